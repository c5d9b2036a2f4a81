package block

import (
	"context"
	"maps"
)

// GroupType reads one group type. Fails with NotFound, as for one that is not public.
func (s *Service) GroupType(ctx context.Context, c Caller, id string) (*GroupType, error) {
	t, err := s.store.GroupType(ctx, id)
	if err == nil && !t.visible(c) {
		return nil, notFound("Group type", id)
	}
	return t, err
}

// GroupTypes is one page of the group types; administrators alone see those that
// are not public, as the list's filters say. Fails with NotFound when the marker is unknown.
func (s *Service) GroupTypes(ctx context.Context, c Caller, list List) ([]*GroupType, error) {
	return s.store.GroupTypes(ctx, listTypes(c, list))
}

// CountGroupTypes counts what the list's filters keep, whatever its page.
func (s *Service) CountGroupTypes(ctx context.Context, c Caller, list List) (int, error) {
	return s.store.CountGroupTypes(ctx, listTypes(c, list))
}

func listTypes(c Caller, list List) List {
	if !c.Admin {
		list.Filters = append(list.Filters[:len(list.Filters):len(list.Filters)], Filter{Field: FieldPublic, Value: "true"})
	}
	return list
}

// NewGroupType is what a request to make a group type says.
type NewGroupType struct {
	Name        string
	Description Text
	Public      bool
	Specs       map[string]Text
}

// CreateGroupType makes a group type; for administrators. Fails with Invalid, and
// with Conflict when the name is taken.
func (s *Service) CreateGroupType(ctx context.Context, n NewGroupType) (*GroupType, error) {
	t := &GroupType{ID: s.parts.NewUUID(), Name: n.Name, Description: n.Description, Public: n.Public, Specs: n.Specs}
	if err := boundSpecs(t.Specs); err != nil {
		return nil, err
	}
	err := s.store.InTx(ctx, func(tx Tx) error {
		t.CreatedAt = tx.Now()
		return tx.AddGroupType(t)
	})
	if err != nil {
		return nil, err
	}
	return t, nil
}

func boundSpecs(specs map[string]Text) error {
	if len(specs) > MaxGroupSpecs {
		return Errorf(Invalid, "Invalid input: a group type has at most %d specs, not %d.", MaxGroupSpecs, len(specs))
	}
	return nil
}

// GroupTypeChange is all that an update of a group type can change; nil keeps.
type GroupTypeChange struct {
	Name        *string
	Description TextChange
	Public      *bool
}

// UpdateGroupType changes what the change names; for administrators. Fails with
// NotFound, and with Conflict when the name is taken.
func (s *Service) UpdateGroupType(ctx context.Context, id string, change GroupTypeChange) (*GroupType, error) {
	return s.changeGroupType(ctx, id, func(t *GroupType) error {
		if change.Name != nil {
			t.Name = *change.Name
		}
		if change.Description.Given {
			t.Description = change.Description.To
		}
		if change.Public != nil {
			t.Public = *change.Public
		}
		return nil
	})
}

// changeGroupType applies change to a copy of the row and saves it.
func (s *Service) changeGroupType(ctx context.Context, id string, change func(*GroupType) error) (*GroupType, error) {
	var saved *GroupType
	err := s.store.InTx(ctx, func(tx Tx) error {
		t, err := tx.GroupType(id)
		if err != nil {
			return err
		}
		if err := change(t); err != nil {
			return err
		}
		saved = t
		return tx.SaveGroupType(t)
	})
	if err != nil {
		return nil, err
	}
	return saved, nil
}

// DeleteGroupType removes a group type; for administrators. Fails with NotFound, and
// with Invalid while a group has it. Source: Cinder group_types delete.
func (s *Service) DeleteGroupType(ctx context.Context, id string) error {
	return s.store.InTx(ctx, func(tx Tx) error {
		t, err := tx.GroupType(id)
		if err != nil {
			return err
		}
		if n, err := tx.CountGroupsOfType(id); err != nil || n > 0 {
			if err == nil {
				err = Errorf(Invalid, "Target group type is still in use.")
			}
			return err
		}
		return tx.DropGroupType(t)
	})
}

// SetGroupSpecs writes specs over those of a group type; for administrators.
// Fails with NotFound, and Invalid when there are too many.
func (s *Service) SetGroupSpecs(ctx context.Context, id string, specs map[string]Text) error {
	_, err := s.changeGroupType(ctx, id, func(t *GroupType) error {
		all := maps.Clone(t.Specs)
		if all == nil {
			all = map[string]Text{}
		}
		maps.Copy(all, specs)
		t.Specs = all
		return boundSpecs(all)
	})
	return err
}

// DropGroupSpec removes one spec; for administrators. Fails with NotFound, also for the key.
func (s *Service) DropGroupSpec(ctx context.Context, id, key string) error {
	_, err := s.changeGroupType(ctx, id, func(t *GroupType) error {
		if _, there := t.Specs[key]; !there {
			return Errorf(NotFound, "Group Type %s has no specs with key %s.", id, key)
		}
		t.Specs = maps.Clone(t.Specs)
		delete(t.Specs, key)
		return nil
	})
	return err
}

// ensureLegacyGroupType makes the type of consistency groups where there is none.
// Source: Cinder's first migration.
func (s *Service) ensureLegacyGroupType(ctx context.Context) error {
	n, err := s.store.CountGroupTypes(ctx, List{Filters: []Filter{{Field: FieldName, Value: LegacyGroupTypeName}}})
	if err != nil || n > 0 {
		return err
	}
	_, err = s.CreateGroupType(ctx, NewGroupType{
		Name: LegacyGroupTypeName, Description: SetText("Default group type for migrating cgsnapshot"), Public: true,
		Specs: map[string]Text{specOneMoment: SetText(isTrue)},
	})
	if KindOf(err) == Conflict { // another node was faster
		return nil
	}
	return err
}
