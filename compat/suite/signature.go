package suite

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/breezeblock/breezeblock/compat/client"
)

// signatureOperations are about requests that an access key signs.
func signatureOperations() []Operation {
	v3 := []string{"v3"}
	return []Operation{
		{"access_key.create", v3, accessKeyLife},
		{"security_token.create", v3, temporaryKey},
	}
}

// signer is one access key.
type signer struct{ access, secret, token string }

// signed sends a request without a token, signed with k now. Source: client-wire 6.
func (e *Env) signed(t T, k signer, method, path, body string) *client.Answer {
	t.Helper()
	return e.signedAt(t, k, method, path, body, time.Now())
}

func (e *Env) signedAt(t T, k signer, method, path, body string, at time.Time) *client.Answer {
	t.Helper()
	date := at.UTC().Format("20060102T150405Z")
	u, err := url.Parse(path)
	if err != nil {
		t.Fatalf("%v", err)
	}
	var query []string
	for name, values := range u.Query() {
		query = append(query, name+"="+values[0]) // nothing here needs an escape
	}
	slices.Sort(query)
	text := strings.Join([]string{method, u.Path + "/", strings.Join(query, "&"), "x-sdk-date:" + date + "\n", "x-sdk-date",
		fmt.Sprintf("%x", sha256.Sum256([]byte(body)))}, "\n")
	m := hmac.New(sha256.New, []byte(k.secret))
	fmt.Fprintf(m, "SDK-HMAC-SHA256\n%s\n%x", date, sha256.Sum256([]byte(text)))
	fields := []client.Field{{"X-Sdk-Date", date}, {"Authorization", fmt.Sprintf(
		"SDK-HMAC-SHA256 Access=%s, SignedHeaders=x-sdk-date, Signature=%x", k.access, m.Sum(nil))}}
	if k.token != "" {
		fields = append(fields, client.Field{"X-Security-Token", k.token})
	}
	if body == "" {
		return e.as(t, e.nobody(), method, path, nil, fields...)
	}
	return e.as(t, e.nobody(), method, path, body, fields...)
}

// credentials is a call of identity's v3.0 as demo.
func (e *Env) credentials(t T, method, path string, body any) *client.Answer {
	t.Helper()
	a, err := e.Demo.Do(t.Context(), client.Request{Method: method, Base: e.Target.IdentityURL + ".0", Path: "/OS-CREDENTIAL" + path, Body: body})
	if err != nil {
		t.Fatalf("%v", err)
	}
	return a
}

// key makes an access key of demo that goes with the function.
func (e *Env) key(t T) signer {
	t.Helper()
	a := e.credentials(t, "POST", "/credentials", map[string]any{"credential": map[string]any{"user_id": e.Demo.UserID}})
	if a.Status == 404 {
		t.Skipf("the target's identity makes no access keys")
	}
	status(t, a, 201)
	made := a.Under("credential")
	k := signer{access: fmt.Sprint(made["access"]), secret: fmt.Sprint(made["secret"])}
	t.Cleanup(func() {
		remove := client.Request{Method: "DELETE", Base: e.Target.IdentityURL + ".0", Path: "/OS-CREDENTIAL/credentials/" + k.access}
		if a, err := e.Demo.Do(context.WithoutCancel(t.Context()), remove); err != nil || a.Status != 204 && a.Status != 404 {
			t.Errorf("remove the access key: %v, %v", a, err)
		}
	})
	return k
}

// accessKeyLife: what a key signs is served like what carries a token, what it did not
// sign is refused in the gateway's form, and a key that is off or gone signs nothing.
func accessKeyLife(t T, e *Env) {
	k := e.key(t)
	list, one := e.path("/volumes"), "/credentials/"+k.access
	for _, path := range []string{list, list + "?limit=1&all_tenants=0", "/v2/" + e.Demo.ProjectID + "/snapshots"} {
		status(t, e.signed(t, k, "GET", path, ""), 200)
	}
	status(t, e.signed(t, k, "POST", list, `{"volume":{}}`), 400)
	wrong := k
	wrong.secret += "x"
	e.unsigned(t, "a wrong secret", e.signed(t, wrong, "GET", list, ""))
	e.unsigned(t, "an old date", e.signedAt(t, k, "GET", list, "", time.Now().Add(-time.Hour)))
	e.unsigned(t, "a date to come", e.signedAt(t, k, "GET", list, "", time.Now().Add(time.Hour)))
	status(t, e.signed(t, k, "GET", "/v3/"+strings.Repeat("0", 32)+"/volumes", ""), 400)

	shown := e.credentials(t, "GET", one, nil)
	status(t, shown, 200)
	if got := shown.Under("credential"); got["status"] != "active" || got["user_id"] != e.Demo.UserID || got["secret"] != nil {
		t.Errorf("the key is shown as %s", shown)
	}
	status(t, e.credentials(t, "PUT", one, map[string]any{"credential": map[string]any{"status": "inactive"}}), 200)
	e.unsigned(t, "a key that is off", e.signed(t, k, "GET", list, ""))
	status(t, e.credentials(t, "PUT", one, map[string]any{"credential": map[string]any{"status": "active"}}), 200)
	status(t, e.signed(t, k, "GET", list, ""), 200)
	status(t, e.credentials(t, "DELETE", one, nil), 204)
	e.unsigned(t, "a key that is gone", e.signed(t, k, "GET", list, ""))
	status(t, e.credentials(t, "GET", one, nil), 404)
}

// unsigned checks the one answer to a signature that does not hold. Source: client-wire 5.
func (e *Env) unsigned(t T, what string, a *client.Answer) {
	t.Helper()
	got := a.Object()
	if a.Status != 401 || got["error_code"] != "APIGW.0301" || got["error_msg"] == "" || got["request_id"] != a.Header.Get("X-Request-Id") {
		t.Errorf("%s: got %s, want 401 APIGW.0301 with the request id", what, a)
	}
}

// temporaryKey: a temporary key signs with its security token and with no other.
func temporaryKey(t T, e *Env) {
	permanent := e.key(t)
	wish := func(seconds any) *client.Answer {
		return e.credentials(t, "POST", "/securitytokens", map[string]any{"auth": map[string]any{"identity": map[string]any{
			"methods": []string{"token"}, "token": map[string]any{"duration_seconds": seconds}}}})
	}
	for _, seconds := range []any{899, 86401, -1, "x", nil} {
		status(t, wish(seconds), 400)
	}
	for _, seconds := range []any{900, "86400"} {
		a := wish(seconds)
		status(t, a, 201)
		made := a.Under("credential")
		k := signer{fmt.Sprint(made["access"]), fmt.Sprint(made["secret"]), fmt.Sprint(made["securitytoken"])}
		status(t, e.signed(t, k, "GET", e.path("/volumes"), ""), 200)
		bare, mixed := k, permanent
		bare.token, mixed.token = "", k.token
		e.unsigned(t, "without its token", e.signed(t, bare, "GET", e.path("/volumes"), ""))
		e.unsigned(t, "with another's token", e.signed(t, mixed, "GET", e.path("/volumes"), ""))
	}
}
