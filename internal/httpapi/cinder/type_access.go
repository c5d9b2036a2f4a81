package cinder

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// listTypeAccess serves GET /types/{type_id}/os-volume-type-access.
func (a *API) listTypeAccess(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	id := x.PathValue("type_id")
	projects, err := a.blocks.TypeProjects(x.Context(), caller, id)
	if err != nil {
		return err
	}
	return x.Reply(http.StatusOK, func(b []byte) []byte {
		b = append(b, `{"volume_type_access":[`...)
		for i, project := range projects {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, `{"volume_type_id":`...)
			b = wire.AppendString(b, id)
			b = append(b, `,"project_id":`...)
			b = wire.AppendString(b, project)
			b = append(b, '}')
		}
		return append(b, "]}"...)
	})
}

// addTypeAccess serves addProjectAccess.
func (a *API) addTypeAccess(x *wire.Exchange) error {
	return changeAccess(x, "addProjectAccess", a.blocks.AddTypeAccess)
}

// removeTypeAccess serves removeProjectAccess.
func (a *API) removeTypeAccess(x *wire.Exchange) error {
	return changeAccess(x, "removeProjectAccess", a.blocks.DropTypeAccess)
}

func changeAccess(x *wire.Exchange, action string, change func(ctx context.Context, typeID, projectID string) error) error {
	members, err := x.Object(action)
	if err != nil {
		return err
	}
	if err := members.Only(action, "project"); err != nil {
		return err
	}
	value, given := members.Get("project")
	if !given {
		return block.Errorf(block.Invalid, "Invalid input for field/attribute %s: 'project' is a required property.", action)
	}
	project, err := wire.ReadString(value, "project")
	if err != nil {
		return err
	}
	if err := checkProject(project, "project"); err != nil {
		return err
	}
	if _, err := x.Authorize(); err != nil {
		return err
	}
	if err := change(x.Context(), x.PathValue("type_id"), project); err != nil {
		return err
	}
	return replyPage(x, http.StatusAccepted)
}

// checkProject holds the id of a project, which nobody looks up, to its length.
// Source: Cinder schemas volume_type_access; quotas quota_set_name.
func checkProject(id, field string) error {
	if n := utf8.RuneCountInString(id); n < 1 || n > block.MaxText || strings.ContainsRune(id, 0) || !utf8.ValidString(id) {
		return block.Errorf(block.Invalid, "Invalid input for field/attribute %s: it must have from 1 to %d characters, none of them U+0000.", field, block.MaxText)
	}
	return nil
}

// notBelowProject answers as Cinder, whose default types have no project in the URL.
// Source: recordings service-*-default-types.
func notBelowProject(x *wire.Exchange) error {
	if x.Project != "" && strings.HasPrefix(x.Path, "/v3/"+x.Project+"/") {
		return wire.Refuse(wire.NoRoute, "The resource could not be found.")
	}
	return nil
}

// listDefaultTypes serves GET /v3/default-types.
func (a *API) listDefaultTypes(x *wire.Exchange) error {
	if err := notBelowProject(x); err != nil {
		return err
	}
	if _, err := x.Authorize(); err != nil {
		return err
	}
	all, err := a.blocks.DefaultTypes(x.Context())
	if err != nil {
		return err
	}
	return x.Reply(http.StatusOK, func(b []byte) []byte {
		b = append(b, `{"default_types":[`...)
		for i, d := range all {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendDefaultType(b, d)
		}
		return append(b, "]}"...)
	})
}

func appendDefaultType(b []byte, d block.DefaultType) []byte {
	b = append(b, `{"project_id":`...)
	b = wire.AppendString(b, d.ProjectID)
	b = append(b, `,"volume_type_id":`...)
	b = wire.AppendString(b, d.TypeID)
	return append(b, '}')
}

func replyDefaultType(x *wire.Exchange, d block.DefaultType) error {
	return x.Reply(http.StatusOK, func(b []byte) []byte {
		b = append(b, `{"default_type":`...)
		return append(appendDefaultType(b, d), '}')
	})
}

// showDefaultTypeOf serves GET /v3/default-types/{target}.
func (a *API) showDefaultTypeOf(x *wire.Exchange) error {
	target, err := defaultTarget(x)
	if err != nil {
		return err
	}
	d, err := a.blocks.DefaultTypeOf(x.Context(), target)
	if err != nil {
		return err
	}
	return replyDefaultType(x, d)
}

// defaultTarget is the project of the path, once the caller may ask about it.
func defaultTarget(x *wire.Exchange) (string, error) {
	if err := notBelowProject(x); err != nil {
		return "", err
	}
	target := x.PathValue("target")
	if err := checkProject(target, "project_id"); err != nil {
		return "", err
	}
	_, err := x.Authorize()
	return target, err
}

// setDefaultType serves PUT /v3/default-types/{target}. Source: Cinder default_types.
func (a *API) setDefaultType(x *wire.Exchange) error {
	members, err := x.Object("default_type")
	if err != nil {
		return err
	}
	if err := members.Only("default_type", "volume_type"); err != nil {
		return err
	}
	named, err := optionalString(members, "volume_type")
	if err != nil {
		return err
	}
	if named == "" {
		return block.Errorf(block.Invalid, "Invalid input for field/attribute default_type: 'volume_type' is a required property.")
	}
	target, err := defaultTarget(x)
	if err != nil {
		return err
	}
	d, err := a.blocks.SetDefaultType(x.Context(), target, named)
	if err != nil {
		return err
	}
	return replyDefaultType(x, d)
}

// unsetDefaultType serves DELETE /v3/default-types/{target}.
func (a *API) unsetDefaultType(x *wire.Exchange) error {
	target, err := defaultTarget(x)
	if err != nil {
		return err
	}
	if err := a.blocks.DropDefaultType(x.Context(), target); err != nil {
		return err
	}
	return x.WriteEmpty(http.StatusNoContent)
}

// retypeVolume serves os-retype. The policy says whether a volume may move to another
// backend, of which there is none, so that both words mean the same here.
// Source: Cinder schemas volume_actions retype.
func (a *API) retypeVolume(x *wire.Exchange) error {
	members, err := x.Object("os-retype")
	if err != nil {
		return err
	}
	if err := members.Only("os-retype", "new_type", "migration_policy"); err != nil {
		return err
	}
	value, given := members.Get("new_type")
	if !given {
		return block.Errorf(block.Invalid, "Invalid input for field/attribute os-retype: 'new_type' is a required property.")
	}
	named, err := wire.ReadString(value, "new_type")
	if err != nil {
		return err
	}
	policies := []string{"on-demand", "never"}
	policy, err := optionalString(members, "migration_policy")
	if err != nil {
		return err
	}
	if policy != "" && !slices.Contains(policies, policy) {
		return block.Errorf(block.Invalid, "Invalid input for field/attribute migration_policy: %.64q is invalid, it takes %s.", policy, listed(policies))
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	if err := a.blocks.RetypeVolume(x.Context(), caller, x.PathValue("volume_id"), named); err != nil {
		return err
	}
	return replyNothing(x, http.StatusAccepted)
}
