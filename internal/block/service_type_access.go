package block

import (
	"context"
	"maps"
	"slices"
)

// TypeProjects are the projects that were given access to a private type, in order;
// for administrators. Fails with NotFound, also for public types.
func (s *Service) TypeProjects(ctx context.Context, c Caller, id string) ([]string, error) {
	t, err := s.VolumeType(ctx, c, id)
	if err != nil {
		return nil, err
	}
	if t.Public {
		return nil, Errorf(NotFound, "Access list not available for public volume types.")
	}
	return s.store.ProjectsOfType(ctx, id)
}

// AddTypeAccess lets a project use a private type; for administrators. Fails with
// NotFound, Invalid for a public type, Conflict when the project has access already,
// and OverLimit at MaxTypeProjects. Whether there is such a project is not looked up.
func (s *Service) AddTypeAccess(ctx context.Context, id, projectID string) error {
	return s.changeAccess(ctx, id, func(tx Tx) error {
		n, err := tx.CountTypeProjects(id)
		if err != nil {
			return err
		}
		if n >= MaxTypeProjects {
			return Errorf(OverLimit, "%d projects have access to volume type %s, and no more are allowed.", n, id)
		}
		return tx.AddTypeProject(id, projectID)
	})
}

// DropTypeAccess ends a project's access to a private type; for administrators. Its
// volumes stay as they are. Fails with NotFound, and Invalid for a public type.
func (s *Service) DropTypeAccess(ctx context.Context, id, projectID string) error {
	return s.changeAccess(ctx, id, func(tx Tx) error { return tx.DropTypeProject(id, projectID) })
}

func (s *Service) changeAccess(ctx context.Context, id string, change func(Tx) error) error {
	return s.store.InTx(ctx, func(tx Tx) error {
		t, err := tx.VolumeType(id)
		if err != nil {
			return err
		}
		if t.Public {
			return Errorf(Invalid, "Invalid volume type: Type access modification is not applicable to public volume type.")
		}
		return change(tx)
	})
}

// DefaultType is a project that has a default type of its own.
type DefaultType struct{ ProjectID, TypeID string }

// DefaultTypes are the projects that have one of their own, in order; for administrators.
func (s *Service) DefaultTypes(ctx context.Context) ([]DefaultType, error) {
	const all = ""
	types, err := s.store.DefaultTypes(ctx, all)
	if err != nil {
		return nil, err
	}
	list := make([]DefaultType, 0, len(types))
	for _, project := range slices.Sorted(maps.Keys(types)) {
		list = append(list, DefaultType{project, types[project]})
	}
	return list, nil
}

// DefaultTypeOf is a project's own default type; for administrators. Fails with NotFound.
func (s *Service) DefaultTypeOf(ctx context.Context, projectID string) (DefaultType, error) {
	types, err := s.store.DefaultTypes(ctx, projectID)
	if err != nil {
		return DefaultType{}, err
	}
	id, given := types[projectID]
	if !given {
		return DefaultType{}, Errorf(NotFound, "Default type for project %.64s not found.", projectID)
	}
	return DefaultType{projectID, id}, nil
}

// SetDefaultType gives a project a default type of its own, by id or name; for
// administrators. Fails with Invalid when there is no such type, and OverLimit at
// MaxTypeProjects.
func (s *Service) SetDefaultType(ctx context.Context, projectID, named string) (DefaultType, error) {
	types, err := s.store.VolumeTypes(ctx)
	if err != nil {
		return DefaultType{}, err
	}
	t := typeNamed(types, named)
	if t == nil {
		return DefaultType{}, Errorf(Invalid, "Volume type with name or id %.64s could not be found.", named)
	}
	err = s.store.InTx(ctx, func(tx Tx) error {
		if _, err := tx.UseVolumeType(t.ID); err != nil {
			return err
		}
		const ofAll = ""
		if n, err := tx.CountDefaultTypes(ofAll); err != nil || n >= MaxTypeProjects {
			if err == nil {
				err = Errorf(OverLimit, "%d projects have a default type of their own, and no more are allowed.", n)
			}
			return err
		}
		return tx.SetDefaultType(projectID, t.ID)
	})
	return DefaultType{projectID, t.ID}, err
}

// DropDefaultType takes a project's own default type away, if it has one; for administrators.
func (s *Service) DropDefaultType(ctx context.Context, projectID string) error {
	return s.store.InTx(ctx, func(tx Tx) error { return tx.DropDefaultType(projectID) })
}
