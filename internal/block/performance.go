package block

// Performance is what a volume was bought to do in a second, where its type lets the
// buyer say. Zero: what the type says.
type Performance struct {
	IOPS       int64
	Throughput int64 // MiB
}

// performanceSpec is the extra spec of a type that names the row of diskClasses
// whose figures hold for its volumes. Without it, or with a value that is not in the
// table, none hold.
const performanceSpec = "evs:performance"

// rate is a figure that grows with the size of a disk: least, and so much more for
// each hundred GiB, up to most. Zero: no limit.
type rate struct{ least, perHundred, most int64 }

func (r rate) at(size Size) int64 { return min(r.most, r.least+r.perHundred*int64(size)/100) }

// diskClass is what disks of one type do.
type diskClass struct {
	iops       rate
	throughput rate // MiB
	bought     bool // the buyer says how many IOPS, within iops.least and iops.most
	// The buyer says of the throughput, too, within throughput.least and throughput.most.
	throughputBought bool
	perGB            int64 // of bought IOPS, at most for each GiB of the disk
	spinning         bool  // backed by disks that turn, not by flash
}

// diskClasses are the figures of the disk types. Source: EVS Service Overview, Disk
// Types and Performance; General Purpose SSD V2 Disks; Extreme SSD V2 Disks.
var diskClasses = map[string]diskClass{
	"SATA":   {iops: rate{500, 200, 2200}, throughput: rate{50, 0, 50}, spinning: true},
	"SAS":    {iops: rate{1800, 800, 5000}, throughput: rate{100, 15, 150}, spinning: true},
	"GPSSD":  {iops: rate{1800, 1200, 20000}, throughput: rate{100, 50, 250}},
	"SSD":    {iops: rate{1800, 5000, 50000}, throughput: rate{120, 50, 350}},
	"ESSD":   {iops: rate{1800, 5000, 128000}, throughput: rate{120, 50, 1000}},
	"GPSSD2": {iops: rate{3000, 0, 128000}, throughput: rate{125, 0, 1000}, bought: true, throughputBought: true, perGB: 500},
	"ESSD2":  {iops: rate{100, 0, 256000}, throughput: rate{0, 0, 4000}, bought: true, perGB: 1000},
}

// iopsPerThroughput is how many bought IOPS one MiB a second needs. Source: General
// Purpose SSD V2 Disks, "less than or equal to the IOPS divided by 4".
const iopsPerThroughput = 4

// classOf is the row of the type's figures.
func classOf(types []*VolumeType, typeID string) (diskClass, bool) {
	for _, t := range types {
		if t.ID == typeID {
			class, known := diskClasses[t.ExtraSpecs[performanceSpec]]
			return class, known
		}
	}
	return diskClass{}, false
}

// keepsFlash refuses to bring a disk from flash back to what turns.
// Source: EVS 7.3, os-retype; EVS.2087.
func keepsFlash(from, to *VolumeType) error {
	was, known := diskClasses[from.ExtraSpecs[performanceSpec]]
	if known && !was.spinning && diskClasses[to.ExtraSpecs[performanceSpec]].spinning {
		return Errorf(WrongStatus, "Invalid volume: a disk of the type %.64s cannot become one of %.64s: from SSD-backed types only others of them can be changed to.", from.Name, to.Name)
	}
	return nil
}

// fillPerformance holds what the buyer of a volume said to what its type lets it do,
// and fills in the least where nothing was said. Fails with Invalid.
func (v *Volume) fillPerformance(types []*VolumeType) error {
	class, known := classOf(types, v.TypeID)
	switch {
	case v.IOPS != 0 && !(known && class.bought):
		return errPerformance("iops", "disks of the type %.64s have the IOPS that follow from their size; only those of GPSSD2 and ESSD2 can be set.", typeName(types, v.TypeID))
	case v.Throughput != 0 && !(known && class.throughputBought):
		return errPerformance("throughput", "disks of the type %.64s have the throughput of their type; only that of GPSSD2 can be set.", typeName(types, v.TypeID))
	case !known || !class.bought:
		return nil
	}
	if v.IOPS == 0 {
		v.IOPS = class.iops.least
	}
	most := max(class.iops.least, min(class.iops.most, class.perGB*int64(v.Size)))
	if v.IOPS < class.iops.least || v.IOPS > most {
		return errPerformance("iops", "it must be from %d to %d for a disk of %d GB, not %d.", class.iops.least, most, v.Size, v.IOPS)
	}
	if !class.throughputBought {
		return nil
	}
	if v.Throughput == 0 {
		v.Throughput = class.throughput.least
	}
	most = min(class.throughput.most, v.IOPS/iopsPerThroughput)
	if v.Throughput < class.throughput.least || v.Throughput > most {
		return errPerformance("throughput", "it must be from %d to %d MiB/s for %d IOPS, not %d.", class.throughput.least, most, v.IOPS, v.Throughput)
	}
	return nil
}

func errPerformance(field, format string, args ...any) error {
	return On(field, Errorf(Invalid, "Invalid input for field/attribute "+field+": "+format, args...))
}
