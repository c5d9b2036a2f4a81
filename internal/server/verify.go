package server

import (
	"context"
	"errors"
	"fmt"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/config"
	"github.com/breezeblock/breezeblock/internal/driver"
)

// Verification is what was found in one volume; its fields are stable.
type Verification = block.Verification

// Located is one finding.
type Located = block.Located

// Verify looks through volumes of a stopped server for damage: those named, or all
// that the driver holds. With repair it removes what is left over. It reads every
// byte, tells of each volume as soon as it is done, and takes the lock of the data
// folder. An error of one volume is told in its place.
func Verify(ctx context.Context, c *config.Config, parts Parts, volumes []string, repair bool, tell func(*Verification)) (err error) {
	s, err := openStopped(ctx, c, parts)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.release()) }()
	if repair {
		if err := s.othersWork(ctx); err != nil {
			return err
		}
	}
	if len(volumes) == 0 {
		for ref, err := range s.driver.List(ctx) {
			if ref == (driver.Ref{}) {
				return fmt.Errorf("the driver's list broke off: %w", err)
			}
			if ref.Snapshot == "" {
				volumes = append(volumes, ref.Volume)
			}
		}
	}
	for _, id := range volumes {
		v, err := s.blocks.Look(ctx, id, repair)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			v = &Verification{VolumeID: id, Status: block.VerificationErr, Error: err.Error()}
		}
		tell(v)
	}
	return nil
}
