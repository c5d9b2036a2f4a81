package block

import (
	"context"
	"errors"
	"slices"
)

// RetypeVolume gives a volume another type, by id or name. There is one backend, so
// nothing moves: the type in the row changes, and with it what counts against the
// quotas of the two types. Snapshots keep the type that they were taken with.
// Fails with NotFound (volume or type), Invalid, WrongStatus, OverLimit.
// Source: Cinder volume API retype.
func (s *Service) RetypeVolume(ctx context.Context, c Caller, id, named string) error {
	return s.retype(ctx, c, id, named, Performance{}, func(*Volume, Tx) error { return nil })
}

// retype is RetypeVolume with what was bought of the new type, and what else is to be
// done in its transaction.
func (s *Service) retype(ctx context.Context, c Caller, id, named string, bought Performance, then func(*Volume, Tx) error) error {
	types, err := s.store.VolumeTypes(ctx)
	if err != nil {
		return err
	}
	qos, err := s.store.QoSSpecs(ctx)
	if err != nil {
		return err
	}
	misfit, err := s.misfit(ctx, typeNamed(types, named))
	if err != nil {
		return err
	}
	_, err = s.changeVolume(ctx, c, id, func(v *Volume, tx Tx) error {
		to, err := typeFor(tx, c, types, named)
		if err != nil {
			return err
		}
		from := typeNamed(types, v.TypeID)
		if from == nil { // nothing is known of it any more
			from = &VolumeType{ID: v.TypeID}
		}
		if err := canRetype(v, from, to, qos); err != nil {
			return err
		}
		if misfit != nil {
			return misfit
		}
		if c.Vendor {
			if err := keepsFlash(from, to); err != nil {
				return err
			}
		}
		limits, err := limitsOf(tx, v.ProjectID)
		if err != nil {
			return err
		}
		moved := Usage{Volumes: 1, Gigabytes: v.gigabytes()}
		if _, _, err := tx.AddUsage(v.ProjectID, v.TypeID, moved.negative()); err != nil {
			return err
		}
		ofType, _, err := tx.AddUsage(v.ProjectID, to.ID, moved)
		if err != nil {
			return err
		}
		if err := limits.hold("_"+to.Name, ofType, moved); err != nil {
			return err
		}
		v.TypeID, v.Multiattach = to.ID, multiattachAs(v, from, to)
		v.Performance = bought
		if err := v.fillPerformance(types); err != nil {
			return err
		}
		return then(v, tx)
	})
	return err
}

// misfit is why a volume of the backend cannot be of the type; nil when it can. Cinder
// says yes, and lets the volume be when its scheduler finds nothing.
func (s *Service) misfit(ctx context.Context, t *VolumeType) (refusal, err error) {
	if t == nil {
		return nil, nil
	}
	if err = s.offers(ctx, t.ID); errors.Is(err, errNoBackend) {
		return Errorf(Invalid, "Invalid input received: Invalid volume_type passed, the storage does not offer all that type %.64s asks for.", t.Name), nil
	}
	return nil, err
}

// multiattachAs is what a volume is after a change of type: as the new type says, or
// as it was itself made to be, which EVS's volumes can be.
func multiattachAs(v *Volume, from, to *VolumeType) bool {
	return to.multiattach() || (v.Multiattach && !from.multiattach())
}

// canRetype holds a change of type to the rules. Source: Cinder volume API retype, volume_qos_allows_retype.
func canRetype(v *Volume, from, to *VolumeType, qos []*QoSSpecs) error {
	shared := multiattachAs(v, from, to)
	if v.Multiattach != shared && v.Status != VolumeAvailable {
		return On(AboutRetype, Errorf(Invalid, "Invalid input received: Invalid volume_type passed, retypes affecting multiattach are only allowed on available volumes, the specified volume however currently has a status of: %s.", v.Status))
	}
	if shared && to.Encryption != nil {
		return On(AboutRetype, Errorf(Invalid, "Invalid input received: Retype requested both encryption and multi-attach, which is not supported."))
	}
	if !sameEncryption(from.Encryption, to.Encryption) {
		return On(AboutRetype, Errorf(Invalid, "Invalid input received: Invalid volume_type passed, the encryption of type %.64s is not that of the volume's type.", to.Name))
	}
	frontDiffers := from.QoSID != to.QoSID && (frontHolds(qos, from.QoSID) || frontHolds(qos, to.QoSID))
	switch {
	case v.TypeID == to.ID, v.GroupID != "",
		v.Status != VolumeAvailable && v.Status != VolumeInUse,
		v.Status == VolumeInUse && frontDiffers:
		return Errorf(WrongStatus, "Invalid volume: Retype needs volume to be in available or in-use state, not be part of an active migration or a consistency group, requested type has to be different that the one from the volume, and for in-use volumes front-end qos specs cannot change.")
	}
	return nil
}

// frontHolds tells whether whoever attaches a volume holds it to the QoS specs.
func frontHolds(qos []*QoSSpecs, id string) bool {
	return slices.ContainsFunc(qos, func(q *QoSSpecs) bool { return q.ID == id && q.Consumer != backEnd })
}

// sameEncryption tells whether two types ask for the same.
func sameEncryption(a, b *Encryption) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Provider == b.Provider && a.ControlLocation == b.ControlLocation && a.Cipher == b.Cipher && a.KeySize == b.KeySize
}

// typeFor finds the type that a caller names, and holds it until the transaction
// ends. Fails with NotFound, also for a private type that the caller's project has
// no access to.
func typeFor(tx Tx, c Caller, types []*VolumeType, named string) (*VolumeType, error) {
	found := typeNamed(types, named)
	if found == nil {
		return nil, noType(named)
	}
	t, err := tx.UseVolumeType(found.ID)
	if err != nil || t.Public || c.Admin {
		return t, err
	}
	granted, err := tx.TypesOfProject(c.ProjectID)
	if err == nil && !slices.Contains(granted, t.ID) {
		err = noType(named)
	}
	return t, err
}
