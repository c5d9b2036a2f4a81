package block

// isSystem tells whether a volume is a system disk to EVS: one made from an image, or
// from what was made from one. The bootable flag makes none. Source: EVS 6.6,
// os-set_bootable. Assumed: what is restored from a backup to a new disk is a data
// disk, for a backup has no image.
func (v *Volume) isSystem() bool { return v.ImageID != "" || len(v.ImageMetadata) > 0 }

// sizes are the least and the largest size that a volume may have, in GiB.
func (r Rules) sizes(v *Volume) (least, most Size) {
	switch {
	case !r.StrictSizes:
		return 1, MaxSize
	case v.isSystem():
		return 1, MaxSystemSize
	}
	return MinDataSize, MaxSize
}

// checkSize holds the size that a field of a request asks for v to the rules, and to
// what it is made from.
func (r Rules) checkSize(v *Volume, field string, size, least Size) error {
	low, most := r.sizes(v)
	if least = max(least, low); size < least || size > most {
		return On("size", Errorf(Invalid, "Invalid input received: %s must be from %d to %d GB, not %d.", field, least, most, size))
	}
	return nil
}
