package block

import (
	"context"
	"slices"
	"strconv"
)

// ioLimits are what a volume may do in a second, by its type as it is now.
func (s *Service) ioLimits(ctx context.Context, v *Volume) (IOLimits, error) {
	types, err := s.store.VolumeTypes(ctx)
	if err != nil {
		return IOLimits{}, err
	}
	i := slices.IndexFunc(types, func(t *VolumeType) bool { return t.ID == v.TypeID })
	if i < 0 {
		return IOLimits{}, nil
	}
	return limitsOfSpecs(types[i].ExtraSpecs), nil
}

// limitsOfSpecs reads the keys that Cinder's specs for front-ends have; what is no
// number above 0 is no limit. Source: Cinder qos_specs, consumer front-end.
func limitsOfSpecs(specs map[string]string) IOLimits {
	of := func(key string) int64 {
		n, err := strconv.ParseInt(specs[key], 10, 64)
		if err != nil {
			return 0
		}
		return max(n, 0)
	}
	return IOLimits{
		ReadIOPS: of("read_iops_sec"), WriteIOPS: of("write_iops_sec"), TotalIOPS: of("total_iops_sec"),
		ReadBytes: of("read_bytes_sec"), WriteBytes: of("write_bytes_sec"), TotalBytes: of("total_bytes_sec"),
	}
}

// Specs are the limits by the keys that Cinder's front-ends know; nil without any.
func (l IOLimits) Specs() map[string]string {
	specs := map[string]string{}
	for key, n := range map[string]int64{
		"read_iops_sec": l.ReadIOPS, "write_iops_sec": l.WriteIOPS, "total_iops_sec": l.TotalIOPS,
		"read_bytes_sec": l.ReadBytes, "write_bytes_sec": l.WriteBytes, "total_bytes_sec": l.TotalBytes,
	} {
		if n > 0 {
			specs[key] = strconv.FormatInt(n, 10)
		}
	}
	if len(specs) == 0 {
		return nil
	}
	return specs
}
