package block

import (
	"context"
	"maps"
	"slices"
)

// QoSSpecs are all QoS specs, oldest first; for administrators.
func (s *Service) QoSSpecs(ctx context.Context) ([]*QoSSpecs, error) { return s.store.QoSSpecs(ctx) }

// QoS reads one; for administrators. Fails with NotFound.
func (s *Service) QoS(ctx context.Context, id string) (*QoSSpecs, error) {
	all, err := s.store.QoSSpecs(ctx)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(all, func(q *QoSSpecs) bool { return q.ID == id }); i >= 0 {
		return all[i], nil
	}
	return nil, Errorf(NotFound, "No such QoS spec %.64s.", id)
}

// CreateQoS makes QoS specs; an empty consumer is the back end. For administrators.
// Fails with Invalid, Conflict when the name is taken, OverLimit at MaxQoSSpecs.
func (s *Service) CreateQoS(ctx context.Context, name, consumer string, specs map[string]string) (*QoSSpecs, error) {
	if consumer == "" {
		consumer = backEnd
	}
	if err := checkConsumer(consumer); err != nil {
		return nil, err
	}
	if err := checkQoS(specs); err != nil {
		return nil, err
	}
	q := &QoSSpecs{ID: s.parts.NewUUID(), Name: name, Consumer: consumer, Specs: specs}
	err := s.store.InTx(ctx, func(tx Tx) error {
		n, err := tx.CountQoS()
		if err != nil {
			return err
		}
		if n >= MaxQoSSpecs {
			return Errorf(OverLimit, "There are %d QoS specs, and no more are allowed.", n)
		}
		q.CreatedAt = tx.Now()
		return tx.AddQoS(q)
	})
	return q, err
}

// SetQoS writes specs over the stored ones, and the consumer unless it is empty; for
// administrators. Fails with NotFound, Invalid.
func (s *Service) SetQoS(ctx context.Context, id, consumer string, specs map[string]string) error {
	if consumer != "" {
		if err := checkConsumer(consumer); err != nil {
			return err
		}
	}
	return s.changeQoS(ctx, id, func(q *QoSSpecs) error {
		if consumer != "" {
			q.Consumer = consumer
		}
		maps.Copy(q.Specs, specs)
		return checkQoS(q.Specs)
	})
}

// DropQoSKeys removes specs by their keys, all or none; for administrators. Fails
// with NotFound, also for a key.
func (s *Service) DropQoSKeys(ctx context.Context, id string, keys []string) error {
	return s.changeQoS(ctx, id, func(q *QoSSpecs) error {
		for _, key := range keys {
			if _, there := q.Specs[key]; !there {
				return Errorf(NotFound, "QoS spec %s has no spec with key %.255s.", id, key)
			}
			delete(q.Specs, key)
		}
		return nil
	})
}

// changeQoS applies change to a copy of the row, with a map of its own, and saves it.
func (s *Service) changeQoS(ctx context.Context, id string, change func(*QoSSpecs) error) error {
	return s.store.InTx(ctx, func(tx Tx) error {
		stored, err := tx.QoS(id)
		if err != nil {
			return err
		}
		q := *stored
		q.Specs = map[string]string{}
		maps.Copy(q.Specs, stored.Specs)
		if err := change(&q); err != nil {
			return err
		}
		return tx.SaveQoS(&q)
	})
}

// DeleteQoS removes QoS specs; for administrators. While they count for types it fails
// with WrongStatus, unless force ends that first. Fails with NotFound.
func (s *Service) DeleteQoS(ctx context.Context, id string, force bool) error {
	return s.store.InTx(ctx, func(tx Tx) error {
		q, err := tx.QoS(id)
		if err != nil {
			return err
		}
		types, err := tx.TypesOfQoS(id)
		if err != nil {
			return err
		}
		if len(types) > 0 && !force {
			return Errorf(WrongStatus, "Qos specs still in use.")
		}
		if err := part(tx, types); err != nil {
			return err
		}
		return tx.DropQoS(q)
	})
}

// part lets the types have no QoS specs.
func part(tx Tx, types []*VolumeType) error {
	for _, stored := range types {
		t := *stored
		t.QoSID = ""
		if err := tx.SaveVolumeType(&t); err != nil {
			return err
		}
	}
	return nil
}

// TypesOfQoS are the types that QoS specs count for, oldest first; for
// administrators. Fails with NotFound.
func (s *Service) TypesOfQoS(ctx context.Context, id string) ([]*VolumeType, error) {
	if _, err := s.QoS(ctx, id); err != nil {
		return nil, err
	}
	types, err := s.store.VolumeTypes(ctx)
	return slices.DeleteFunc(types, func(t *VolumeType) bool { return t.QoSID != id }), err
}

// AssociateQoS lets QoS specs count for a type; for administrators. Fails with
// NotFound, and Invalid when others count for it.
func (s *Service) AssociateQoS(ctx context.Context, id, typeID string) error {
	return s.store.InTx(ctx, func(tx Tx) error {
		if _, err := tx.QoS(id); err != nil {
			return err
		}
		stored, err := tx.VolumeType(typeID)
		switch {
		case err != nil || stored.QoSID == id:
			return err
		case stored.QoSID != "":
			return Errorf(Invalid, "Invalid volume type: Type %s is already associated with another qos specs: %s", typeID, stored.QoSID)
		}
		t := *stored
		t.QoSID = id
		return tx.SaveVolumeType(&t)
	})
}

// DisassociateQoS ends that QoS specs count for a type, or, when none is named, for
// all; for administrators. Where they did not, nothing changes. Fails with NotFound.
func (s *Service) DisassociateQoS(ctx context.Context, id, typeID string) error {
	return s.store.InTx(ctx, func(tx Tx) error {
		if _, err := tx.QoS(id); err != nil {
			return err
		}
		if typeID == "" {
			types, err := tx.TypesOfQoS(id)
			if err != nil {
				return err
			}
			return part(tx, types)
		}
		t, err := tx.VolumeType(typeID)
		if err != nil || t.QoSID != id {
			return err
		}
		return part(tx, []*VolumeType{t})
	})
}
