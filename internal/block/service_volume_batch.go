package block

import (
	"context"
	"fmt"
	"time"
)

// NewVolumes is what a request to make several volumes alike says.
type NewVolumes struct {
	NewVolume
	Count int // 1 to MaxBatch
	// Token is what the caller calls the request by; empty: nothing. Within TokenLife
	// a second request of the same token makes nothing and has the first one's answer.
	Token string
	// Request stands for all that the request said, to know it again by; with Token only.
	Request string
}

// MadeVolumes is what came of a creation.
type MadeVolumes struct {
	JobID   string // of the one job, or of all of them together
	IDs     []string
	Volumes []*Volume // as they were made; nil when an earlier request of the same token made them
}

// CreateVolumes makes all the rows, in status creating, and queues the work, or does
// nothing at all. Fails with Invalid, NotFound (type or source), WrongStatus (of the
// source), OverLimit. Source: EVS 7.1.
func (s *Service) CreateVolumes(ctx context.Context, c Caller, n NewVolumes) (*MadeVolumes, error) {
	if n.Count < 1 || n.Count > MaxBatch {
		return nil, On("count", Errorf(Invalid, "Invalid input for field/attribute count: it must be from 1 to %d, not %d.", MaxBatch, n.Count))
	}
	if n.Count > 1 && n.BackupID != "" {
		return nil, On("backup_id.count", Errorf(Invalid, "Invalid input for field/attribute count: it must be 1 for a volume that is made from a backup."))
	}
	if n.Zone != "" && n.Zone != s.parts.Zone {
		return nil, On("availability_zone", Errorf(Invalid, "Invalid input received: Availability zone '%.64s' is invalid; the zone is %s.", n.Zone, s.parts.Zone))
	}
	if err := CheckTags(n.Tags); err != nil {
		return nil, err
	}
	if err := n.checkVendor(); err != nil {
		return nil, err
	}
	names, err := batchNames(n.Name, n.Count)
	if err != nil {
		return nil, err
	}
	types, err := s.store.VolumeTypes(ctx)
	if err != nil {
		return nil, err
	}
	ids, batch := make([]string, n.Count), ""
	for i := range ids {
		ids[i] = s.parts.NewUUID()
	}
	if n.Count > 1 {
		batch = s.parts.NewHex()
	}
	var made *MadeVolumes
	err = s.store.InTx(ctx, func(tx Tx) error {
		earlier, err := beginRequest(tx, c, n.Token, n.Request)
		if made = earlier; made != nil || err != nil {
			return err
		}
		made = &MadeVolumes{JobID: batch, IDs: ids}
		for i, id := range ids {
			vol := &Volume{
				ID: id, ProjectID: c.ProjectID, UserID: c.UserID, Name: names[i],
				Description: n.Description, Status: VolumeCreating, Size: n.Size, AvailabilityZone: s.parts.Zone,
				Metadata: n.Metadata, SnapshotID: n.SnapshotID, SourceVolumeID: n.SourceVolumeID, ImageID: n.ImageID, Multiattach: n.Multiattach,
				GroupID: n.GroupID, Performance: n.Performance, EnterpriseProjectID: n.EnterpriseProjectID,
			}
			if err := s.addNew(tx, c, vol, &n, types, i == 0, batch); err != nil {
				return err
			}
			made.Volumes = append(made.Volumes, vol)
		}
		if batch == "" {
			live, err := tx.LiveJobsOf(ids[0])
			if err != nil || len(live) == 0 {
				return err
			}
			made.JobID = live[len(live)-1].ID
		}
		return endRequest(tx, c, n.Token, made)
	})
	if err != nil {
		return nil, err
	}
	return made, nil
}

// batchSuffix is what the names of volumes of one call are told apart by.
const batchSuffix = "-%04d"

// MaxBatchName is the length of the name that several volumes get in one call, in
// bytes: the suffix comes after it. Source: EVS 7.1, name.
const MaxBatchName = 250

// batchNames are the names of so many volumes: one keeps its name, of several each
// gets a number. Those without a name stay so. Source: EVS 7.1, name.
func batchNames(name Text, count int) ([]Text, error) {
	names := make([]Text, count)
	if count > 1 && len(name.Value) > MaxBatchName {
		return nil, On("name", Errorf(Invalid, "Invalid input for field/attribute name: it has %d bytes; for several volumes at most %d are allowed.", len(name.Value), MaxBatchName))
	}
	for i := range names {
		names[i] = name
		if count > 1 && name.Value != "" {
			names[i].Value += fmt.Sprintf(batchSuffix, i+1)
		}
	}
	return names, nil
}

// VolumeGrowth is one volume of a batch and the size that it is to have.
type VolumeGrowth struct {
	ID   string
	Size Size
}

// ExtendVolumes grows several volumes, or none, and tells the id of all the jobs
// together. Fails as ExtendVolume does, and with Invalid when there are none or more
// than MaxBatch. Source: EVS 7.3, batch-extend.
func (s *Service) ExtendVolumes(ctx context.Context, c Caller, growths []VolumeGrowth, inUse bool) (string, error) {
	if len(growths) < 1 || len(growths) > MaxBatch {
		return "", On("volumes", Errorf(Invalid, "Invalid input for field/attribute volumes: it must have from 1 to %d items, not %d.", MaxBatch, len(growths)))
	}
	types, err := s.store.VolumeTypes(ctx)
	if err != nil {
		return "", err
	}
	batch := s.parts.NewHex()
	err = s.store.InTx(ctx, func(tx Tx) error {
		for _, g := range growths {
			vol, err := volumeFor(tx, c, g.ID)
			if err != nil {
				return err
			}
			if err := s.extend(tx, c, vol, types, g.Size, inUse, batch); err != nil {
				return err
			}
			if err := tx.SaveVolume(vol); err != nil {
				return err
			}
		}
		return nil
	})
	return batch, err
}

// Request is a request that its caller gave a token, and what was answered.
// Rows are values.
type Request struct {
	ProjectID   string
	Token       string
	Fingerprint string // of what it said
	JobID       string // with VolumeIDs the answer
	VolumeIDs   []string
	CreatedAt   time.Time
}

const (
	// TokenLife is how long a request can be asked for again by its token. Source: EVS 2.1, X-Client-Token.
	TokenLife = 8 * time.Hour
	// TokenMemory is how long a token is known, to be refused after its life.
	// Assumed: no page says when one can be used for something new.
	TokenMemory = 24 * time.Hour
	// tokensForgotten is how many old tokens one new request removes.
	tokensForgotten = 100
)

// RequestTx is what a transaction can do with requests that have tokens.
type RequestTx interface {
	// AddRequest adds a row unless the project's token has one, and then tells it.
	AddRequest(r *Request) (there *Request, err error)
	// AnswerRequest notes the answer of a row that this transaction added.
	AnswerRequest(r *Request) error
	// DropRequests removes rows made before then; limit at most.
	DropRequests(before time.Time, limit int) error
}

// beginRequest tells what an earlier request of the token made; nil when this is the
// first. Source: evs-errors 3, EVS.2219 and EVS.2220.
func beginRequest(tx Tx, c Caller, token, fingerprint string) (*MadeVolumes, error) {
	if token == "" {
		return nil, nil
	}
	if err := tx.DropRequests(tx.Now().Add(-TokenMemory), tokensForgotten); err != nil {
		return nil, err
	}
	there, err := tx.AddRequest(&Request{ProjectID: c.ProjectID, Token: token, Fingerprint: fingerprint, CreatedAt: tx.Now()})
	if err != nil || there == nil {
		return nil, err
	}
	switch {
	case tx.Now().Sub(there.CreatedAt) > TokenLife:
		return nil, On("token.old", Errorf(Invalid, "The X-Client-Token was first used more than %d hours ago.", int(TokenLife.Hours())))
	case there.Fingerprint != fingerprint:
		return nil, On("token.used", Errorf(Invalid, "The X-Client-Token was used for another request: of another address, project or body."))
	}
	return &MadeVolumes{JobID: there.JobID, IDs: there.VolumeIDs}, nil
}

// endRequest notes what a request made.
func endRequest(tx Tx, c Caller, token string, made *MadeVolumes) error {
	if token == "" {
		return nil
	}
	return tx.AnswerRequest(&Request{ProjectID: c.ProjectID, Token: token, JobID: made.JobID, VolumeIDs: made.IDs})
}
