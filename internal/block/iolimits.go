package block

import (
	"context"
	"strconv"
	"strings"
)

// IOLimits are what a volume may do in a second by the QoS specs of its type.
// Fails with NotFound when there is no such volume.
func (s *Service) IOLimits(ctx context.Context, volumeID string) (IOLimits, error) {
	vol, err := s.store.Volume(ctx, volumeID)
	if err != nil {
		return IOLimits{}, err
	}
	return s.ioLimits(ctx, vol)
}

// ioLimits are what a volume may do in a second by the QoS specs of its type as they
// are now, whoever their consumer is: the data path here is front end and back end
// in one.
func (s *Service) ioLimits(ctx context.Context, v *Volume) (IOLimits, error) {
	types, err := s.store.VolumeTypes(ctx)
	if err != nil {
		return IOLimits{}, err
	}
	t := typeNamed(types, v.TypeID)
	if t == nil {
		return IOLimits{}, nil
	}
	if t.QoSID == "" {
		class := diskClasses[t.ExtraSpecs[performanceSpec]]
		return v.limitsOfClass(class), nil
	}
	q, err := s.QoS(ctx, t.QoSID)
	if KindOf(err) == NotFound { // deleted this moment
		return IOLimits{}, nil
	}
	if err != nil {
		return IOLimits{}, err
	}
	return limitsOfSpecs(q.Specs, v.Size), nil
}

// limitsOfSpecs works out what QoS specs mean for a volume of a size. A figure of each GB
// wins over the plain one: times the size, at least its minimum, at most the
// maximum. What is no whole number above 0 is no limit.
// Source: Cinder volume manager initialize_connection; Cinder, Capacity based QoS.
func limitsOfSpecs(specs map[string]string, size Size) IOLimits {
	number := func(key string) int64 {
		n, err := strconv.ParseInt(strings.TrimSpace(specs[key]), 10, 64)
		if err != nil || n < 0 {
			return 0
		}
		return min(n, maxRate)
	}
	rate := func(key string) int64 {
		if _, given := specs[key+"_per_gb"]; !given {
			return number(key)
		}
		n := max(number(key+"_per_gb")*int64(size), number(key+"_per_gb_min"))
		if most := number(key + "_max"); most > 0 {
			n = min(n, most)
		}
		return min(n, maxRate)
	}
	return IOLimits{
		ReadIOPS: rate("read_iops_sec"), WriteIOPS: rate("write_iops_sec"), TotalIOPS: rate("total_iops_sec"),
		ReadBytes: rate("read_bytes_sec"), WriteBytes: rate("write_bytes_sec"), TotalBytes: rate("total_bytes_sec"),
	}
}

// maxRate keeps rates, times MaxSize, within 63 bits: 2^47 a second is beyond any disk.
const maxRate = 1 << 47

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
