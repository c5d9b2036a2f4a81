package cinder

import (
	"context"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// groupTypeRoutes are the calls on group types and their specs.
func (a *API) groupTypeRoutes() []wire.Route {
	const all, one = "/group_types", "/group_types/{group_type_id}"
	const specs, spec = one + "/group_specs", one + "/group_specs/{key}"
	rows := []wire.Route{
		{Name: "group_type.list", Method: "GET", Path: all, Permission: wire.Reader, OK: 200, Handle: a.listGroupTypes},
		{Name: "group_type.create", Method: "POST", Path: all, Permission: wire.Admin, OK: 202, Handle: a.createGroupType},
		{Name: "group_type.default", Method: "GET", Path: all + "/default", Permission: wire.Reader, OK: 404, Handle: a.showDefaultGroupType},
		{Name: "group_type.show", Method: "GET", Path: one, Permission: wire.Reader, OK: 200, Handle: a.showGroupType},
		{Name: "group_type.update", Method: "PUT", Path: one, Permission: wire.Admin, OK: 200, Handle: a.updateGroupType},
		{Name: "group_type.delete", Method: "DELETE", Path: one, Permission: wire.Admin, OK: 202, Handle: a.deleteGroupType},
		{Name: "group_spec.list", Method: "GET", Path: specs, Permission: wire.Admin, OK: 200, Handle: a.listGroupSpecs},
		{Name: "group_spec.create", Method: "POST", Path: specs, Permission: wire.Admin, OK: 202, Handle: a.createGroupSpecs},
		{Name: "group_spec.show", Method: "GET", Path: spec, Permission: wire.Admin, OK: 200, Handle: a.showGroupSpec},
		{Name: "group_spec.update", Method: "PUT", Path: spec, Permission: wire.Admin, OK: 200, Handle: a.updateGroupSpec},
		{Name: "group_spec.delete", Method: "DELETE", Path: spec, Permission: wire.Admin, OK: 202, Handle: a.deleteGroupSpec},
	}
	return sinceV3(rows, wire.GroupTypes, "Cinder api/v3/group_types.py, group_specs.py")
}

// sinceV3 completes rows of v3 that have one source, and begin with a microversion
// unless they name a later one.
func sinceV3(rows []wire.Route, since wire.Microversion, source string) []wire.Route {
	for i := range rows {
		rows[i].Versions, rows[i].Since = wire.V3, max(rows[i].Since, since)
		if rows[i].Source == "" {
			rows[i].Source = source
		}
	}
	return rows
}

// groupTypeRules are the filters and sort keys of the list of group types; what it
// does not know it ignores. Source: Cinder group_types _get_group_types.
func groupTypeRules() *listRules {
	fields := wire.SortFields{
		"id": block.FieldID, "name": block.FieldName, "description": block.FieldDescription,
		"is_public": block.FieldPublic, "created_at": block.FieldCreatedAt, "updated_at": block.FieldUpdatedAt,
	}
	return &listRules{
		sort:    func(*wire.Exchange) wire.SortFields { return fields },
		lenient: true,
		filters: []filterRule{{key: "is_public", admin: true, keep: byPublic}},
	}
}

// byPublic reads is_public: yes, no, or none for both. Source: Cinder _parse_is_public.
func byPublic(q *listQuery, value string) error {
	if strings.EqualFold(strings.TrimSpace(value), "none") {
		q.bothKinds = true
		return nil
	}
	return byFlag(block.FieldPublic)(q, value)
}

// listGroupTypes serves GET /group_types: the public ones, unless an administrator
// asks otherwise.
func (a *API) listGroupTypes(x *wire.Exchange) error {
	q, caller, err := askedList(x, a.groupTypeList)
	if err != nil {
		return err
	}
	if len(q.Filters) == 0 && !q.bothKinds {
		q.Filters = []block.Filter{{Field: block.FieldPublic, Value: "true"}}
	}
	return answerList(x, caller, &q, &listCalls[*block.GroupType]{
		noun: "Group type", key: "group_types", links: "group_type_links",
		rows: func(ctx context.Context, c block.Caller, list block.List, _ bool) ([]*block.GroupType, error) {
			return a.blocks.GroupTypes(ctx, c, list)
		},
		count: func(ctx context.Context, c block.Caller, list block.List, _ bool) (int, error) {
			return a.blocks.CountGroupTypes(ctx, c, list)
		},
		id:   func(t *block.GroupType) string { return t.ID },
		item: func(b []byte, t *block.GroupType) []byte { return appendGroupType(b, t, caller.Admin) },
	})
}

// appendGroupType appends a group type; its specs are for administrators.
func appendGroupType(b []byte, t *block.GroupType, admin bool) []byte {
	b = append(b, `{"id":"`...)
	b = append(b, t.ID...)
	b = append(b, `","name":`...)
	b = wire.AppendString(b, t.Name)
	b = append(b, `,"description":`...)
	b = wire.AppendText(b, t.Description)
	b = append(b, `,"is_public":`...)
	b = wire.AppendBool(b, t.Public)
	if admin {
		b = append(b, `,"group_specs":`...)
		b = appendTexts(b, t.Specs)
	}
	return append(b, '}')
}

// appendTexts appends an object of strings and nulls, keys in order.
func appendTexts(b []byte, items map[string]block.Text) []byte {
	b = append(b, '{')
	for i, key := range slices.Sorted(maps.Keys(items)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = wire.AppendString(b, key)
		b = append(b, ':')
		b = wire.AppendText(b, items[key])
	}
	return append(b, '}')
}

func replyGroupType(x *wire.Exchange, status int, t *block.GroupType, admin bool) error {
	return x.Reply(status, func(b []byte) []byte {
		b = append(b, `{"group_type":`...)
		b = appendGroupType(b, t, admin)
		return append(b, '}')
	})
}

// showDefaultGroupType serves GET /group_types/default. Cinder has one when its
// operator names it; here nobody can, as in Cinder out of the box.
func (a *API) showDefaultGroupType(x *wire.Exchange) error {
	if _, err := x.Authorize(); err != nil {
		return err
	}
	return block.Errorf(block.NotFound, "Default group type can not be found.")
}

// showGroupType serves GET /group_types/{group_type_id}.
func (a *API) showGroupType(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	t, err := a.blocks.GroupType(x.Context(), caller, x.PathValue("group_type_id"))
	if err != nil {
		return err
	}
	return replyGroupType(x, http.StatusOK, t, caller.Admin)
}

// createGroupType serves POST /group_types.
func (a *API) createGroupType(x *wire.Exchange) error {
	wanted, err := readNewGroupType(x)
	if err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	t, err := a.blocks.CreateGroupType(x.Context(), wanted)
	if err != nil {
		return err
	}
	return replyGroupType(x, http.StatusAccepted, t, caller.Admin)
}

func readNewGroupType(x *wire.Exchange) (n block.NewGroupType, err error) {
	members, err := x.Object("group_type")
	if err == nil {
		err = x.OnlyKey("group_type")
	}
	if err == nil {
		err = members.Only("group_type", "name", "description", "is_public", "group_specs")
	}
	if err != nil {
		return n, err
	}
	if n.Name, err = neededName(x, members, "group_type"); err != nil {
		return n, err
	}
	if value, given := members.Get("description"); given {
		if n.Description, err = x.Dialect.ReadText(value, "description", wire.Description); err != nil {
			return n, err
		}
	}
	n.Public = true
	if value, given := members.Get("is_public"); given {
		if n.Public, err = wire.ReadBool(value, "is_public"); err != nil {
			return n, err
		}
	}
	if value, given := members.Get("group_specs"); given && value.Kind() != 'n' {
		inner, err := wire.ObjectOf(value, "group_specs")
		if err != nil {
			return n, err
		}
		n.Specs, err = readGroupSpecs(inner, "group_specs")
		return n, err
	}
	return n, nil
}

// neededName reads the member name: a string that is not empty once it is trimmed.
func neededName(x *wire.Exchange, members wire.Members, where string) (string, error) {
	value, given := members.Get("name")
	if !given {
		return "", block.Errorf(block.Invalid, "Invalid input for field/attribute %s: 'name' is a required property.", where)
	}
	name, err := x.Dialect.ReadText(value, "name", wire.Name)
	if err == nil && name.Value == "" {
		err = block.Errorf(block.Invalid, "Invalid input for field/attribute name: it can not be empty.")
	}
	return name.Value, err
}

// groupSpecKey is what a key of a group type's specs may be. Source: Cinder
// schemas/group_specs.py.
var groupSpecKey = regexp.MustCompile(`^[a-zA-Z0-9\-_:.]{1,255}$`)

// readGroupSpecs reads specs: strings or nulls; of duplicates the last wins.
func readGroupSpecs(members wire.Members, where string) (map[string]block.Text, error) {
	specs := make(map[string]block.Text, len(members))
	for _, m := range members {
		value, _ := members.Get(m.Name)
		if !groupSpecKey.MatchString(m.Name) {
			return nil, block.Errorf(block.Invalid, "Invalid input for field/attribute %s: the key %.64q is not allowed: it has 1 to 255 letters, digits, or characters of -_:.", where, m.Name)
		}
		if value.Kind() == 'n' {
			specs[m.Name] = block.Text{}
			continue
		}
		text, err := wire.ReadString(value, where+"."+m.Name[:min(len(m.Name), 64)])
		if err != nil {
			return nil, err
		}
		if len([]rune(text)) > block.MaxText || strings.Contains(text, "\x00") {
			return nil, block.Errorf(block.Invalid, "Invalid input for field/attribute %s: the value of %.64s has at most %d characters, and none is NUL.", where, m.Name, block.MaxText)
		}
		specs[m.Name] = block.SetText(text)
	}
	return specs, nil
}

// updateGroupType serves PUT /group_types/{group_type_id}. Null keeps, as in Cinder.
func (a *API) updateGroupType(x *wire.Exchange) error {
	change, err := readGroupTypeChange(x)
	if err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	t, err := a.blocks.UpdateGroupType(x.Context(), x.PathValue("group_type_id"), change)
	if err != nil {
		return err
	}
	return replyGroupType(x, http.StatusOK, t, caller.Admin)
}

func readGroupTypeChange(x *wire.Exchange) (change block.GroupTypeChange, err error) {
	members, err := x.Object("group_type")
	if err == nil {
		err = x.OnlyKey("group_type")
	}
	if err == nil {
		err = members.Only("group_type", "name", "description", "is_public")
	}
	if err != nil {
		return change, err
	}
	if value, given := members.Get("name"); given && value.Kind() != 'n' {
		name, err := neededName(x, members, "group_type")
		if err != nil {
			return change, err
		}
		change.Name = &name
	}
	if value, given := members.Get("description"); given && value.Kind() != 'n' {
		change.Description.Given = true
		if change.Description.To, err = x.Dialect.ReadText(value, "description", wire.Description); err != nil {
			return change, err
		}
	}
	if value, given := members.Get("is_public"); given {
		public, err := wire.ReadBool(value, "is_public")
		if err != nil {
			return change, err
		}
		change.Public = &public
	}
	if change.Name == nil && !change.Description.Given && change.Public == nil {
		return change, block.Errorf(block.Invalid, "Specify group type name, description or a combination thereof.")
	}
	return change, nil
}

// deleteGroupType serves DELETE /group_types/{group_type_id}.
func (a *API) deleteGroupType(x *wire.Exchange) error {
	if _, err := x.Authorize(); err != nil {
		return err
	}
	if err := a.blocks.DeleteGroupType(x.Context(), x.PathValue("group_type_id")); err != nil {
		return err
	}
	return replyPage(x, http.StatusAccepted)
}
