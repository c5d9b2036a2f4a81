package block

import (
	"maps"
	"slices"
	"strings"
)

// Keys of a volume's metadata that mean something to EVS. Source: EVS 6.1, metadata.
const (
	metadataEncrypted   = "__system__encrypted" // 0 or 1
	metadataKey         = "__system__cmkid"     // the id of the key, lengthOfKey bytes
	metadataPassthrough = "hw:passthrough"      // true: SCSI, false: VBD
	metadataFullClone   = "full_clone"          // 0: a linked clone of a snapshot
	// metadataSystem begins the keys that only the service writes.
	metadataSystem = "__system__"
	lengthOfKey    = 36
)

// Encrypted tells whether a disk with that metadata and of that type, which may be nil,
// was asked for encrypted: each of the two is a way to ask. Nothing here encrypts.
// Source: EVS 6.1, metadata; Cinder volume_type_encryption.
func Encrypted(metadata map[string]string, t *VolumeType) bool {
	return metadata[metadataEncrypted] == "1" || (t != nil && t.Encryption != nil)
}

// inherited are the keys that a volume has from the one its snapshot is of.
// Source: evs-status 2.1, "encryption and device type inherited".
var inherited = []string{metadataEncrypted, metadataKey, metadataPassthrough}

// checkVendor holds what a request says to what EVS takes, whatever there is.
// Source: evs-errors 3, EVS.2094.
func (n *NewVolumes) checkVendor() error {
	if !n.Vendor {
		return nil
	}
	if n.ImageID != "" && n.Multiattach {
		return On("imageRef.shared", Errorf(Invalid, "Invalid input received: a shared disk cannot be made from an image."))
	}
	return checkVendorMetadata(n.Metadata, n.SnapshotID != "" || n.ImageID != "")
}

// holdVendor holds a new volume to what EVS asks of what is made from a snapshot, and
// of performance; it takes over what a snapshot hands on.
func (s *Service) holdVendor(tx Tx, v *Volume, n *NewVolumes, types []*VolumeType) error {
	if err := v.fillPerformance(types); err != nil {
		return err
	}
	if !n.Vendor {
		return nil
	}
	if v.SnapshotID == "" {
		return nil
	}
	from, err := tx.Snapshot(v.SnapshotID)
	if err != nil {
		return err
	}
	if from.TypeID != v.TypeID { // Source: EVS.2096
		return On("volume_type.source", Errorf(Invalid, "Invalid input received: volume_type must be that of the snapshot's disk, %.64s.", typeName(types, from.TypeID)))
	}
	origin, err := tx.Volume(from.VolumeID)
	if err != nil {
		return err
	}
	for _, key := range inherited {
		if value, there := origin.Metadata[key]; there {
			if v.Metadata = maps.Clone(v.Metadata); v.Metadata == nil {
				v.Metadata = map[string]string{}
			}
			v.Metadata[key] = value
		}
	}
	return nil
}

func typeName(types []*VolumeType, id string) string {
	for _, t := range types {
		if t.ID == id {
			return t.Name
		}
	}
	return id
}

// checkVendorMetadata holds the metadata of a new volume to what EVS takes.
// Source: EVS 6.1; evs-errors 3, EVS.1043, 1057, 1063, 2041, 2047.
func checkVendorMetadata(items map[string]string, fromSource bool) error {
	for _, key := range inherited {
		if _, given := items[key]; given && fromSource {
			return On("metadata.inherited", Errorf(Invalid, "Invalid input for field/attribute metadata: %s follows from the snapshot or image and cannot be given.", key))
		}
	}
	if err := checkVendorLengths(Invalid, items); err != nil {
		return err
	}
	for key := range items {
		if strings.HasPrefix(key, metadataSystem) && !slices.Contains(inherited, key) {
			return errSystemKey(key)
		}
	}
	encrypted, asked := items[metadataEncrypted]
	key, keyed := items[metadataKey]
	switch {
	case asked && encrypted != "0" && encrypted != "1":
		return On("metadata.encryption", Errorf(Invalid, "Invalid input for field/attribute metadata: %s must be 0 or 1, not %.64q.", metadataEncrypted, encrypted))
	case keyed && len(key) != lengthOfKey:
		return On("metadata.encryption", Errorf(Invalid, "Invalid input for field/attribute metadata: %s must have %d bytes, not %d.", metadataKey, lengthOfKey, len(key)))
	case keyed != (encrypted == "1"): // Assumed: one means nothing without the other
		return On("metadata.encryption", Errorf(Invalid, "Invalid input for field/attribute metadata: %s and %s=1 come together.", metadataKey, metadataEncrypted))
	}
	if value, given := items[metadataPassthrough]; given && value != "true" && value != "false" {
		return On("metadata.passthrough", Errorf(Invalid, "Invalid input for field/attribute metadata: %s must be true or false, not %.64q.", metadataPassthrough, value))
	}
	if value, given := items[metadataFullClone]; given && value != "0" && value != "1" {
		return On("metadata.full_clone", Errorf(Invalid, "Invalid input for field/attribute metadata: %s must be 0 or 1, not %.64q.", metadataFullClone, value))
	}
	return nil
}

// checkVendorLengths holds the metadata of a disk to EVS's lengths, which are bytes of
// UTF-8. Source: EVS 6.1, 6.7.
func checkVendorLengths(kind Kind, items map[string]string) error {
	for key, value := range items {
		switch {
		case len(key) > MaxMetadataKey:
			return On("metadata", Errorf(kind, "Invalid metadata size: Metadata property key %.64s… greater than %d bytes.", key, MaxMetadataKey))
		case len(value) > MaxMetadataValue:
			return On("metadata", Errorf(kind, "Invalid metadata size: Metadata property key %.64s value greater than %d bytes.", key, MaxMetadataValue))
		}
	}
	return nil
}

// systemKey is the first key of either that only the service may write: given where
// it is new or another value, or stored and gone with replace. Empty: none.
func systemKey(stored, given map[string]string, replace bool) string {
	for key, value := range given {
		if was, there := stored[key]; strings.HasPrefix(key, metadataSystem) && (!there || was != value) {
			return key
		}
	}
	if !replace {
		return ""
	}
	for key := range stored {
		if _, stays := given[key]; strings.HasPrefix(key, metadataSystem) && !stays {
			return key
		}
	}
	return ""
}

// errSystemKey refuses a change of what only the service writes. Source: evs-errors
// 3, EVS.2047, and EVS.5403 on the Cinder family.
func errSystemKey(key string) error {
	return On("metadata.system", Errorf(Forbidden, "The metadata key %.64q can not be operated: keys that begin with %s are the service's.", key, metadataSystem))
}

// withMode adds to items whether the disk is SCSI or VBD, where they say nothing of it:
// what a disk is does not change once it is made. Source: EVS User Guide, Disk Modes;
// vendor's Terraform provider, evs_volume_metadata, which replaces the metadata of a
// disk whose device_type it also holds.
func withMode(items, stored map[string]string) map[string]string {
	mode, has := stored[metadataPassthrough]
	if _, said := items[metadataPassthrough]; said || !has {
		return items
	}
	added := map[string]string{metadataPassthrough: mode}
	maps.Copy(added, items)
	return added
}

// setMetadata writes items over the stored ones, or in their place.
func (v *Volume) setMetadata(c Caller, items map[string]string, replace bool) error {
	if key := systemKey(v.Metadata, items, replace); key != "" && c.Vendor {
		return errSystemKey(key)
	}
	if c.Vendor {
		if err := checkVendorLengths(TooLarge, items); err != nil {
			return err
		}
		if replace {
			items = withMode(items, v.Metadata)
		}
	}
	merged, err := mergeMetadata(v.Metadata, items, replace)
	v.Metadata = merged
	return err
}
