package block

import (
	"context"
	"fmt"
	"strings"

	"github.com/breezeblock/breezeblock/internal/driver"
)

// BackendStore reads what the backend holds and keeps what is set of the services.
type BackendStore interface {
	// HeldBy is what each project holds, by its id.
	HeldBy(ctx context.Context) (map[string]Held, error)
	// SumVolumes is the number and size of the volumes that a list's filters keep,
	// and which values each key of their metadata has, in order.
	SumVolumes(ctx context.Context, list List) (VolumeSum, error)
	// Setting is a small value; empty when it was never set.
	Setting(ctx context.Context, name string) (string, error)
	SetSetting(ctx context.Context, name, text string) error
}

// Held is what one project holds of the backend, whatever the status.
type Held struct {
	Volumes, Snapshots       int64
	VolumeSize, SnapshotSize Size
}

// VolumeSum is the sum of a list of volumes.
type VolumeSum struct {
	Count    int64
	Size     Size
	Metadata map[string][]string
}

// VolumeSum sums up the volumes that a list's filters keep; allProjects counts for
// administrators only.
func (s *Service) VolumeSum(ctx context.Context, c Caller, list List, allProjects bool) (VolumeSum, error) {
	list, err := listFor(c, list, allProjects)
	if err != nil {
		return VolumeSum{}, err
	}
	return s.store.SumVolumes(ctx, list)
}

// Backend is what administrators see of the storage.
type Backend struct {
	Driver driver.Info
	Held   map[string]Held // by project
}

// Sum is what all projects hold.
func (b *Backend) Sum() Held {
	var all Held
	for _, h := range b.Held {
		all.Volumes += h.Volumes
		all.Snapshots += h.Snapshots
		all.VolumeSize += h.VolumeSize
		all.SnapshotSize += h.SnapshotSize
	}
	return all
}

// Backend asks the driver how full it is, and counts the rows. Fails with
// Unavailable when the driver does not answer.
func (s *Service) Backend(ctx context.Context) (*Backend, error) {
	info, err := s.driver.Info(ctx)
	if err != nil {
		return nil, Because(err, Unavailable, "The storage does not answer.")
	}
	held, err := s.store.HeldBy(ctx)
	return &Backend{info, held}, err
}

// The services of this program, by the names that Cinder's have.
const (
	BinaryAPI       = "cinder-api"
	BinaryScheduler = "cinder-scheduler"
	BinaryVolume    = "cinder-volume"
	BinaryBackup    = "cinder-backup"
)

// MaxReason is the length of the reason for which a service is disabled, in
// characters. Source: Cinder schemas services.
const MaxReason = 255

// Daemon is one of the services as administrators see it. All are this process:
// whoever reads of them knows that they are up.
type Daemon struct {
	Binary, Host string
	Disabled     bool
	Reason       string // why it is disabled; empty: none given
	Frozen       bool   // of BinaryVolume: Freeze was called, and Thaw not yet
}

// Node is the part of Host that names this machine: before the @.
func (s *Service) Node() string {
	node, _, _ := strings.Cut(s.parts.Host, "@")
	return node
}

// BackendHost is Host without its pool: node@backend.
func (s *Service) BackendHost() string {
	host, _, _ := strings.Cut(s.parts.Host, "#")
	return host
}

// Daemons are the services there are.
func (s *Service) Daemons(ctx context.Context) ([]Daemon, error) {
	frozen, err := s.frozen(ctx)
	if err != nil {
		return nil, err
	}
	all := []Daemon{{Binary: BinaryScheduler, Host: s.Node()}, {Binary: BinaryVolume, Host: s.BackendHost(), Frozen: frozen}}
	if s.parts.Backups != nil {
		all = append(all, Daemon{Binary: BinaryBackup, Host: s.Node()})
	}
	for i := range all {
		text, err := s.store.Setting(ctx, settingOf(all[i].Binary))
		if err != nil {
			return nil, err
		}
		all[i].Reason, all[i].Disabled = strings.CutPrefix(text, disabledPrefix)
		if !all[i].Disabled {
			all[i].Reason = ""
		}
	}
	return all, nil
}

// disabledPrefix begins the setting of a service that is disabled; the reason follows.
const disabledPrefix = "disabled:"

func settingOf(binary string) string { return "service/" + binary }

// SetDaemon enables or disables a service. A disabled cinder-volume takes no new
// volumes, a disabled cinder-backup makes no backups: they end in error, with a
// message. Fails with NotFound.
func (s *Service) SetDaemon(ctx context.Context, host, binary string, disabled bool, reason string) error {
	all, err := s.Daemons(ctx)
	if err != nil {
		return err
	}
	for _, d := range all {
		if d.Binary != binary || d.Host != host {
			continue
		}
		text := "enabled"
		if disabled {
			text = disabledPrefix + reason
		}
		return s.store.SetSetting(ctx, settingOf(binary), text)
	}
	return Errorf(NotFound, "Service %.64s could not be found on host %.128s.", binary, host)
}

// placeable fails with errNoBackend when the one backend takes no new volumes, or
// is not what the volume's type asks for.
func (s *Service) placeable(ctx context.Context, v *Volume) error {
	text, err := s.store.Setting(ctx, settingOf(BinaryVolume))
	if err != nil {
		return err
	}
	if strings.HasPrefix(text, disabledPrefix) {
		return fmt.Errorf("%w: the service %s is disabled", errNoBackend, BinaryVolume)
	}
	return s.offers(ctx, v.TypeID)
}

var errNoBackend = Errorf(Unavailable, "no backend takes the volume")

// takesBackups fails with errBackupsOff when no new backups are made. Source: Cinder
// scheduler/manager.py create_backup.
func (s *Service) takesBackups(ctx context.Context) error {
	text, err := s.store.Setting(ctx, settingOf(BinaryBackup))
	if err == nil && strings.HasPrefix(text, disabledPrefix) {
		return errBackupsOff
	}
	return err
}

var errBackupsOff = Errorf(Unavailable, "no new backups are made: the service %s is disabled", BinaryBackup)
