package wire

import "github.com/breezeblock/breezeblock/internal/block"

// ReadNewSnapshot reads the body of a creation. display_name is taken here,
// display_description is not. Source: recordings create-*.
func ReadNewSnapshot(x *Exchange) (n block.NewSnapshot, err error) {
	members, err := x.Object("snapshot")
	if err != nil {
		return n, err
	}
	if err = x.OnlyKey("snapshot"); err != nil {
		return n, err
	}
	if err = members.Only("snapshot", "volume_id", "name", "display_name", "description", "metadata", "force"); err != nil {
		return n, err
	}
	for _, key := range []string{"display_name", "name"} {
		if value, given := members.Get(key); given {
			if n.Name, err = x.Dialect.ReadText(value, key, Name); err != nil {
				return n, err
			}
		}
	}
	if value, given := members.Get("description"); given {
		if n.Description, err = x.Dialect.ReadText(value, "description", Description); err != nil {
			return n, err
		}
	}
	if n.Metadata, err = ReadMetadata(members, "metadata"); err != nil {
		return n, err
	}
	if n.Force, err = readForce(x, members); err != nil {
		return n, err
	}
	n.VolumeID, err = members.UUID("volume_id", "Volume")
	return n, err
}

// readForce reads force, which from 3.66 is always meant and never false.
// Source: recordings create-force-*.
func readForce(x *Exchange, members Members) (bool, error) {
	value, given := members.Get("force")
	if given && value.Kind() == 'n' && x.Version < SnapshotInUseAlways {
		given = false // what the stock cinder client sends for: not said
	}
	force := false
	if given {
		var err error
		if force, err = ReadBool(value, "force"); err != nil {
			return false, err
		}
	}
	if x.Version < SnapshotInUseAlways {
		return force, nil
	}
	if given && !force {
		return false, block.Errorf(block.Invalid, "Since microversion 3.66 the 'force' flag is invalid for this request: it must be true or absent.")
	}
	return true, nil
}
