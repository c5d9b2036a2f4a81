package keystone

import (
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
	"github.com/breezeblock/breezeblock/internal/identity"
)

// Source of the rows: what the vendor's SDK sends and reads.
const credential = "Huawei IAM API reference v3.0, access keys; huaweicloud-sdk-go-v3 services/iam/v3"

func (a *API) accessKeyRoutes() []wire.Route {
	const all, one = "/v3.0/OS-CREDENTIAL/credentials", "/v3.0/OS-CREDENTIAL/credentials/{access_key}"
	return []wire.Route{
		{Name: "access_key.create", Method: "POST", Path: all, Permission: wire.Anyone, OK: 201, Source: credential, Handle: a.createAccessKey},
		{Name: "access_key.list", Method: "GET", Path: all, Permission: wire.Anyone, OK: 200, Source: credential, Handle: a.listAccessKeys},
		{Name: "access_key.show", Method: "GET", Path: one, Permission: wire.Anyone, OK: 200, Source: credential, Handle: a.showAccessKey},
		{Name: "access_key.update", Method: "PUT", Path: one, Permission: wire.Anyone, OK: 200, Source: credential, Handle: a.updateAccessKey},
		{Name: "access_key.delete", Method: "DELETE", Path: one, Permission: wire.Anyone, OK: 204, Source: credential, Handle: a.deleteAccessKey},
		{Name: "security_token.create", Method: "POST", Path: "/v3.0/OS-CREDENTIAL/securitytokens", Permission: wire.Anyone, OK: 201, Source: credential, Handle: a.createSecurityToken},
	}
}

// accessKeyView is a permanent access key; the secret is there once, on creation.
type accessKeyView struct {
	Access      string `json:"access"`
	Secret      string `json:"secret,omitempty"`
	UserID      string `json:"user_id"`
	Status      string `json:"status"`
	Description string `json:"description"`
	CreateTime  string `json:"create_time"`
	LastUseTime string `json:"last_use_time,omitempty"`
}

func viewAccessKey(k *identity.AccessKey) accessKeyView {
	v := accessKeyView{
		Access: k.ID, UserID: k.UserID, Status: "inactive", Description: k.Description, CreateTime: timeText(k.CreatedAt),
	}
	if k.Enabled {
		v.Status = "active"
	}
	return v
}

func replyCredential(x *wire.Exchange, status int, v any) error {
	return reply(x, status, struct {
		Credential any `json:"credential"`
	}{v})
}

// mayHold holds a caller to its own keys, an administrator to none in particular.
// A temporary key makes and changes no permanent ones: it would outlive itself.
func mayHold(x *wire.Exchange, userID string) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	if !caller.Admin && userID != caller.UserID || x.Token.IsTemporary() && x.Request.Method != http.MethodGet {
		return forbidden(x)
	}
	return nil
}

// createAccessKey serves POST /v3.0/OS-CREDENTIAL/credentials.
func (a *API) createAccessKey(x *wire.Exchange) error {
	var err error
	body := readBody(x, "credential", &err)
	userID, description := body.text("user_id"), orElse(body.textChange("description", true), "")
	if err == nil && userID == "" {
		err = identity.Errorf(identity.Invalid, "credential.user_id is missing; it must be the id of a user")
	}
	if err != nil {
		return err
	}
	if err := mayHold(x, userID); err != nil {
		return err
	}
	k, secret, err := a.porter.CreateAccessKey(x.Context(), userID, description)
	if err != nil {
		return err
	}
	v := viewAccessKey(k)
	v.Secret = secret
	return replyCredential(x, http.StatusCreated, v)
}

// listAccessKeys serves GET /v3.0/OS-CREDENTIAL/credentials: of the caller, or of
// ?user_id.
func (a *API) listAccessKeys(x *wire.Exchange) error {
	userID := x.Request.URL.Query().Get("user_id")
	if userID == "" && x.Token != nil {
		userID = x.Token.UserID
	}
	if err := mayHold(x, userID); err != nil {
		return err
	}
	keys, err := a.porter.AccessKeys(x.Context(), userID)
	if err != nil {
		return err
	}
	views := make([]accessKeyView, 0, len(keys))
	for _, k := range keys {
		views = append(views, viewAccessKey(k))
	}
	return reply(x, http.StatusOK, struct {
		Credentials []accessKeyView `json:"credentials"`
	}{views})
}

// accessKey is the key of the path. Another's is not there for those who are no
// administrators.
func (a *API) accessKey(x *wire.Exchange) (*identity.AccessKey, error) {
	caller, err := x.Authorize()
	if err != nil {
		return nil, err
	}
	id := x.PathValue("access_key")
	k, err := a.porter.AccessKey(x.Context(), id)
	if err != nil {
		return nil, err
	}
	if !caller.Admin && k.UserID != caller.UserID {
		return nil, identity.Errorf(identity.NotFound, "Could not find access key: %.64s.", id)
	}
	return k, mayHold(x, k.UserID)
}

// showAccessKey serves GET /v3.0/OS-CREDENTIAL/credentials/{access_key}.
func (a *API) showAccessKey(x *wire.Exchange) error {
	k, err := a.accessKey(x)
	if err != nil {
		return err
	}
	v := viewAccessKey(k)
	v.LastUseTime = v.CreateTime // Assumed: of a key that was never used, as the SDK wants a time
	if !k.LastUsedAt.IsZero() {
		v.LastUseTime = timeText(k.LastUsedAt)
	}
	return replyCredential(x, http.StatusOK, v)
}

// updateAccessKey serves PUT /v3.0/OS-CREDENTIAL/credentials/{access_key}.
func (a *API) updateAccessKey(x *wire.Exchange) error {
	var err error
	body := readBody(x, "credential", &err)
	change := identity.AccessKeyChange{Description: body.textChange("description", true)}
	if status := body.textChange("status", false); err == nil && status != nil {
		active := *status == "active"
		if change.Enabled = &active; !active && *status != "inactive" {
			err = identity.Errorf(identity.Invalid, "credential.status must be active or inactive")
		}
	}
	if err != nil {
		return err
	}
	k, err := a.accessKey(x)
	if err != nil {
		return err
	}
	if k, err = a.porter.UpdateAccessKey(x.Context(), k.ID, change); err != nil {
		return err
	}
	return replyCredential(x, http.StatusOK, viewAccessKey(k))
}

// deleteAccessKey serves DELETE /v3.0/OS-CREDENTIAL/credentials/{access_key}.
func (a *API) deleteAccessKey(x *wire.Exchange) error {
	k, err := a.accessKey(x)
	if err != nil {
		return err
	}
	if err := a.porter.DeleteAccessKey(x.Context(), k.ID); err != nil {
		return err
	}
	return done(x)
}

// createSecurityToken serves POST /v3.0/OS-CREDENTIAL/securitytokens: a temporary
// access key by the caller's token, or by the one in the body.
func (a *API) createSecurityToken(x *wire.Exchange) error {
	id, lifetime, err := readKeyWish(x)
	if err != nil {
		return err
	}
	if _, err := x.Authorize(); err != nil {
		return err
	}
	held := x.Token
	if id != "" {
		if held, err = a.porter.Validate(x.Context(), id); err != nil {
			return err
		}
		if held.UserID != x.Token.UserID {
			return forbidden(x)
		}
	}
	k, err := a.porter.CreateTemporaryKey(x.Context(), held, lifetime)
	if err != nil {
		return err
	}
	return replyCredential(x, http.StatusCreated, struct {
		Access        string `json:"access"`
		Secret        string `json:"secret"`
		SecurityToken string `json:"securitytoken"`
		ExpiresAt     string `json:"expires_at"`
	}{k.AccessKey, k.Secret, k.SecurityToken, timeText(k.ExpiresAt)})
}

// readKeyWish reads auth.identity of a wish for a temporary key.
func readKeyWish(x *wire.Exchange) (token string, lifetime time.Duration, err error) {
	auth := readBody(x, "auth", &err)
	wish := auth.need("identity")
	for _, method := range wish.texts("methods") {
		if method != "token" {
			return "", 0, identity.Errorf(identity.Invalid, "auth.identity.methods has %.64q; token is served, agencies there are none", method)
		}
	}
	proof, _ := wish.object("token")
	token = proof.text("id")
	lifetime = identity.DefaultKeyLifetime
	if v, given := proof.value("duration_seconds"); given && err == nil {
		seconds, ok := wholeNumber(v)
		if lifetime = time.Duration(seconds) * time.Second; !ok {
			err = identity.Errorf(identity.Invalid, "%s must be a whole number from %d to %d", proof.field("duration_seconds"),
				int(identity.MinKeyLifetime.Seconds()), int(identity.MaxKeyLifetime.Seconds()))
		}
	}
	return token, lifetime, err
}

// wholeNumber reads a number, which older clients send as a string.
func wholeNumber(v jsontext.Value) (int, bool) {
	text := string(v)
	if len(text) > 1 && text[0] == '"' {
		text = text[1 : len(text)-1]
	}
	n, err := strconv.ParseInt(text, 10, 32)
	return int(n), err == nil
}
