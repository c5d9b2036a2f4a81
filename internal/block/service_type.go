package block

import (
	"context"
	"maps"
	"slices"
	"time"
)

// VolumeTypes are all volume types, oldest first, whoever may use them.
func (s *Service) VolumeTypes(ctx context.Context) ([]*VolumeType, error) {
	return s.store.VolumeTypes(ctx)
}

// TypesFor are the types that the caller may use, oldest first: the public ones,
// those that the caller's project was given access to, and all for administrators.
func (s *Service) TypesFor(ctx context.Context, c Caller) ([]*VolumeType, error) {
	types, err := s.store.VolumeTypes(ctx)
	if err != nil || c.Admin || !slices.ContainsFunc(types, func(t *VolumeType) bool { return !t.Public }) {
		return types, err
	}
	granted, err := s.store.TypesOfProject(ctx, c.ProjectID)
	return usable(types, granted), err
}

// GrantedTypes are the ids of the private types that a project was given access to.
func (s *Service) GrantedTypes(ctx context.Context, projectID string) ([]string, error) {
	return s.store.TypesOfProject(ctx, projectID)
}

// usable keeps the public types and those that were granted.
func usable(types []*VolumeType, granted []string) []*VolumeType {
	return slices.DeleteFunc(slices.Clone(types), func(t *VolumeType) bool {
		return !t.Public && !slices.Contains(granted, t.ID)
	})
}

// VolumeType reads one type. Fails with NotFound, also for those that the caller
// may not use.
func (s *Service) VolumeType(ctx context.Context, c Caller, id string) (*VolumeType, error) {
	types, err := s.TypesFor(ctx, c)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(types, func(t *VolumeType) bool { return t.ID == id }); i >= 0 {
		return types[i], nil
	}
	return nil, Errorf(NotFound, "Volume type %.64s could not be found.", id)
}

// DefaultVolumeType is what a volume is of whose creator names no type: the
// project's own default, or the one of all. Fails with NotFound.
func (s *Service) DefaultVolumeType(ctx context.Context, c Caller) (*VolumeType, error) {
	own, err := s.store.DefaultTypes(ctx, c.ProjectID)
	if err != nil {
		return nil, err
	}
	if id, given := own[c.ProjectID]; given && c.ProjectID != "" {
		return s.VolumeType(ctx, c, id)
	}
	types, err := s.store.VolumeTypes(ctx)
	if err != nil {
		return nil, err
	}
	if t := typeNamed(types, DefaultTypeName); t != nil {
		return t, nil
	}
	return nil, Errorf(NotFound, "Default volume type can not be found.")
}

// NewVolumeType is what a request to make a type says.
type NewVolumeType struct {
	Name        string
	Description Text
	Public      bool
	ExtraSpecs  map[string]string
}

// CreateVolumeType makes a type; for administrators. Fails with Conflict when the
// name is taken, with Invalid, and OverLimit at MaxVolumeTypes.
func (s *Service) CreateVolumeType(ctx context.Context, n NewVolumeType) (*VolumeType, error) {
	if err := checkSpecsOfType(n.ExtraSpecs); err != nil {
		return nil, err
	}
	t := &VolumeType{ID: s.parts.NewUUID(), Name: n.Name, Description: n.Description, Public: n.Public, ExtraSpecs: n.ExtraSpecs}
	err := s.store.InTx(ctx, func(tx Tx) error {
		count, err := tx.CountVolumeTypes()
		if err != nil {
			return err
		}
		if count >= MaxVolumeTypes {
			return Errorf(OverLimit, "There are %d volume types, and no more are allowed.", count)
		}
		t.CreatedAt = tx.Now()
		return tx.AddVolumeType(t)
	})
	return t, err
}

// checkSpecsOfType refuses what no type can be. Source: Cinder types_extra_specs
// _check_cacheable.
func checkSpecsOfType(specs map[string]string) error {
	const strict = false
	if err := CheckSpecs(specs, strict); err != nil {
		return err
	}
	if specs["cacheable"] == isTrue && specs[multiattachSpec] == isTrue {
		return Errorf(Invalid, "cacheable cannot be set with multiattach.")
	}
	return nil
}

// TypeChange is all that an update of a type can change; nil keeps.
type TypeChange struct {
	Name        *string
	Description *Text
	Public      *bool
}

// UpdateVolumeType changes what the change names; for administrators. The limits of
// quotas that have the name in theirs go with it. Fails with NotFound, Conflict when
// the name is taken, and Invalid for the name of the default type.
func (s *Service) UpdateVolumeType(ctx context.Context, id string, change TypeChange) (*VolumeType, error) {
	return s.changeType(ctx, id, func(t *VolumeType, tx Tx) error {
		if change.Description != nil {
			t.Description = *change.Description
		}
		if change.Public != nil {
			t.Public = *change.Public
		}
		if change.Name == nil || *change.Name == t.Name {
			return nil
		}
		if t.Name == DefaultTypeName {
			return Errorf(Invalid, "Volume type %s is the default type: it cannot have another name.", t.Name)
		}
		before := t.Name
		t.Name = *change.Name
		return tx.RenameLimits(before, t.Name)
	})
}

// changeType applies change to a copy of the row and saves it.
func (s *Service) changeType(ctx context.Context, id string, change func(*VolumeType, Tx) error) (*VolumeType, error) {
	var saved *VolumeType
	err := s.store.InTx(ctx, func(tx Tx) error {
		stored, err := tx.VolumeType(id)
		if err != nil {
			return err
		}
		t := *stored
		if err := change(&t, tx); err != nil {
			return err
		}
		saved = &t
		return tx.SaveVolumeType(saved)
	})
	return saved, err
}

// DeleteVolumeType removes a type; for administrators. Fails with NotFound, and with
// WrongStatus while there are volumes or snapshots of it or it is a default.
func (s *Service) DeleteVolumeType(ctx context.Context, id string) error {
	return s.store.InTx(ctx, func(tx Tx) error {
		t, err := tx.VolumeType(id)
		if err != nil {
			return err
		}
		defaults, err := tx.CountDefaultTypes(id)
		if err != nil {
			return err
		}
		if t.Name == DefaultTypeName || defaults > 0 {
			return Errorf(WrongStatus, "The volume type %s is a default volume type and cannot be deleted.", id)
		}
		if err := unused(tx, id, "Target volume type is still in use."); err != nil {
			return err
		}
		if err := named(tx, id); err != nil {
			return err
		}
		if err := tx.RenameLimits(t.Name, ""); err != nil {
			return err
		}
		return tx.DropVolumeType(t)
	})
}

// unused refuses, with message, while there are volumes or snapshots of a type.
func unused(tx Tx, typeID, message string) error {
	used, err := tx.TypeUsed(typeID)
	if err == nil && used {
		return Errorf(WrongStatus, "%s", message)
	}
	return err
}

// named refuses the deletion of a type that a group may have volumes of.
// Source: Cinder db volume_type_destroy.
func named(tx Tx, typeID string) error {
	n, err := tx.CountGroupsWithVolumeType(typeID)
	if err == nil && n > 0 {
		return Errorf(WrongStatus, "Target volume type is still in use.")
	}
	return err
}

// SetExtraSpecs writes specs over the stored ones; for administrators. Fails with
// NotFound, Invalid, and WrongStatus while there are volumes of the type.
// Source: Cinder types_extra_specs create, update.
func (s *Service) SetExtraSpecs(ctx context.Context, id string, specs map[string]string) error {
	return s.changeSpecs(ctx, id, func(merged map[string]string) error {
		maps.Copy(merged, specs)
		return checkSpecsOfType(merged)
	})
}

// DropExtraSpec removes one extra spec; for administrators. Fails with NotFound, also
// for the key, and WrongStatus while there are volumes of the type.
func (s *Service) DropExtraSpec(ctx context.Context, id, key string) error {
	return s.changeSpecs(ctx, id, func(specs map[string]string) error {
		if _, there := specs[key]; !there {
			return Errorf(NotFound, "Volume Type %s has no extra specs with key %.255s.", id, key)
		}
		delete(specs, key)
		return nil
	})
}

// changeSpecs applies change to a copy of the extra specs of a type in no use.
func (s *Service) changeSpecs(ctx context.Context, id string, change func(map[string]string) error) error {
	_, err := s.changeType(ctx, id, func(t *VolumeType, tx Tx) error {
		if err := unused(tx, id, "Volume Type is currently in use."); err != nil {
			return err
		}
		specs := maps.Clone(t.ExtraSpecs)
		if specs == nil {
			specs = map[string]string{}
		}
		t.ExtraSpecs = specs
		return change(specs)
	})
	return err
}

// EnsureFirst makes the first types in a new database.
func (s *Service) EnsureFirst(ctx context.Context) error {
	if err := s.ensureLegacyGroupType(ctx); err != nil {
		return err
	}
	have, err := s.store.VolumeTypes(ctx)
	if err != nil || len(have) > 0 {
		return err
	}
	return s.store.InTx(ctx, func(tx Tx) error {
		for i, t := range s.parts.Rules.first(s.parts.Zone) {
			t.ID, t.CreatedAt = s.parts.NewUUID(), tx.Now().Add(time.Duration(i)*time.Microsecond) // lists go by it
			if err := tx.AddVolumeType(&t); err != nil {
				return err
			}
		}
		return nil
	})
}
