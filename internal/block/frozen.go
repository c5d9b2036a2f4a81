package block

import "context"

// frozenSetting is set while the backend is frozen.
var frozenSetting = settingOf(BinaryVolume) + "/frozen"

// isFrozen is the setting's text while the backend is frozen, and notFrozen after.
const (
	isFrozen  = "yes"
	notFrozen = "no"
)

// Freeze stops changes of what the backend holds, until Thaw: the service takes no
// new volumes, and nothing is deleted or snapshotted. It fails with Invalid for
// another host, and when the backend is frozen. Source: Cinder freeze_host.
func (s *Service) Freeze(ctx context.Context, host string) error { return s.setFrozen(ctx, host, true) }

// Thaw ends Freeze. Fails with Invalid as it does. Source: Cinder thaw_host.
func (s *Service) Thaw(ctx context.Context, host string) error { return s.setFrozen(ctx, host, false) }

func (s *Service) setFrozen(ctx context.Context, host string, freeze bool) error {
	if host != s.BackendHost() {
		return Errorf(Invalid, "Invalid input received: No service found with host=%.128s", host)
	}
	frozen, err := s.frozen(ctx)
	if err != nil {
		return err
	}
	if frozen == freeze {
		return Errorf(Invalid, "Invalid input received: No service could be changed: frozen in %.128s must be %t.", host, !freeze)
	}
	text, reason := notFrozen, ""
	if freeze {
		text, reason = isFrozen, "frozen"
	}
	if err := s.store.SetSetting(ctx, frozenSetting, text); err != nil {
		return err
	}
	return s.SetDaemon(ctx, host, BinaryVolume, freeze, reason)
}

func (s *Service) frozen(ctx context.Context) (bool, error) {
	text, err := s.store.Setting(ctx, frozenSetting)
	return text == isFrozen, err
}

// thawed fails with Invalid while the backend is frozen. Source: Cinder assert_not_frozen.
func (s *Service) thawed(ctx context.Context) error {
	frozen, err := s.frozen(ctx)
	if err == nil && frozen {
		err = Errorf(Invalid, "Invalid input received: Modification operations are not allowed on frozen storage backends.")
	}
	return err
}
