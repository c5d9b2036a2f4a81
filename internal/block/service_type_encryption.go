package block

import "context"

// EncryptionChange is what a request says of a type's encryption; nil keeps, and in
// a new one leaves out.
type EncryptionChange struct {
	Provider        *string
	ControlLocation *string
	Cipher          *Text
	KeySize         *int64 // in bits; below 0: not said
}

func (c EncryptionChange) applyTo(e *Encryption) {
	if c.Provider != nil {
		e.Provider = *c.Provider
	}
	if c.ControlLocation != nil {
		e.ControlLocation = *c.ControlLocation
	}
	if c.Cipher != nil {
		e.Cipher = *c.Cipher
	}
	if c.KeySize != nil {
		e.KeySize = *c.KeySize
	}
}

// CreateEncryption says how the volumes of a type are to be encrypted; for
// administrators. Fails with NotFound, Invalid when it is said already, and
// WrongStatus while there are volumes of the type.
func (s *Service) CreateEncryption(ctx context.Context, typeID string, change EncryptionChange) (*Encryption, error) {
	return s.changeEncryption(ctx, typeID, "create", func(t *VolumeType, tx Tx) error {
		if t.Encryption != nil {
			return Errorf(Invalid, "Volume type encryption for type %s already exists.", typeID)
		}
		e := &Encryption{ID: s.parts.NewUUID(), KeySize: -1, CreatedAt: tx.Now()}
		change.applyTo(e)
		t.Encryption = e
		return nil
	})
}

// UpdateEncryption changes what the change names; for administrators. Fails with
// NotFound, also when nothing is said of encryption, and WrongStatus while there are
// volumes of the type.
func (s *Service) UpdateEncryption(ctx context.Context, typeID string, change EncryptionChange) error {
	_, err := s.changeEncryption(ctx, typeID, "update", func(t *VolumeType, tx Tx) error {
		if t.Encryption == nil {
			return errNoEncryption(typeID)
		}
		e := *t.Encryption
		change.applyTo(&e)
		e.UpdatedAt = tx.Now()
		t.Encryption = &e
		return nil
	})
	return err
}

// DeleteEncryption forgets it; for administrators. Fails as UpdateEncryption does.
func (s *Service) DeleteEncryption(ctx context.Context, typeID string) error {
	_, err := s.changeEncryption(ctx, typeID, "delete", func(t *VolumeType, _ Tx) error {
		if t.Encryption == nil {
			return errNoEncryption(typeID)
		}
		t.Encryption = nil
		return nil
	})
	return err
}

func errNoEncryption(typeID string) error {
	return Errorf(NotFound, "Volume type encryption for type %s does not exist.", typeID)
}

// changeEncryption changes a type of which there are no volumes, so that all the
// volumes of a type are alike.
func (s *Service) changeEncryption(ctx context.Context, typeID, verb string, change func(*VolumeType, Tx) error) (*Encryption, error) {
	t, err := s.changeType(ctx, typeID, func(t *VolumeType, tx Tx) error {
		if err := unused(tx, typeID, "Cannot "+verb+" encryption specs. Volume type in use."); err != nil {
			return err
		}
		return change(t, tx)
	})
	if err != nil {
		return nil, err
	}
	return t.Encryption, nil
}

// EncryptionOf is what the type of a volume says of encryption; nil when it is not
// encrypted. Fails with NotFound.
func (s *Service) EncryptionOf(ctx context.Context, c Caller, volumeID string) (*Encryption, error) {
	vol, err := s.Volume(ctx, c, volumeID)
	if err != nil {
		return nil, err
	}
	types, err := s.store.VolumeTypes(ctx)
	if err != nil {
		return nil, err
	}
	if t := typeNamed(types, vol.TypeID); t != nil {
		return t.Encryption, nil
	}
	return nil, nil
}
