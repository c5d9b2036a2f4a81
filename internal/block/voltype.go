package block

import (
	"regexp"
	"slices"
	"time"
	"unicode/utf8"
)

// VolumeType is a kind of disk. Names are unique. Rows are values: change a copy, save it.
type VolumeType struct {
	ID          string
	Name        string
	Description Text
	Public      bool              // false: for projects that were given access, and administrators
	ExtraSpecs  map[string]string // never changed in place
	QoSID       string            // of the QoS specs that count for its volumes; empty: none
	Encryption  *Encryption       // never changed in place; nil: none
	CreatedAt   time.Time
	UpdatedAt   time.Time // zero: never changed
	Version     int64     // moves with every write of the row
}

// Encryption is what a type says of how its volumes are to be encrypted. It is kept
// and shown; nothing here encrypts with it. Source: Cinder volume_type_encryption.
type Encryption struct {
	ID              string    `json:"id"`
	Provider        string    `json:"provider"`
	ControlLocation string    `json:"control_location"` // front-end or back-end
	Cipher          Text      `json:"cipher"`
	KeySize         int64     `json:"key_size"` // in bits; below 0: not said
	CreatedAt       time.Time `json:"created_at"`
	UpdatedAt       time.Time `json:"updated_at"` // zero: never changed
}

// DefaultTypeName is the type of a volume whose creator named none. Source: Cinder.
const DefaultTypeName = "__DEFAULT__"

// Names of the types that a new database has; the last ones where EVS's figures hold
// for them. Source: EVS volume_type; Cinder.
var (
	firstTypes = []string{DefaultTypeName, "SATA", "SAS", "GPSSD", "SSD", "ESSD"}
	boughtType = []string{"GPSSD2", "ESSD2"}
)

// first are the types that a new database has, with their specs.
func (r Rules) first(zone string) []VolumeType {
	names := firstTypes
	if r.DiskClasses {
		names = slices.Concat(firstTypes, boughtType)
	}
	types := make([]VolumeType, len(names))
	for i, name := range names {
		types[i] = VolumeType{Name: name, Public: true}
		if name == DefaultTypeName {
			types[i].Description = SetText("Default Volume Type")
		} else if r.DiskClasses {
			types[i].ExtraSpecs = map[string]string{performanceSpec: name, zonesSpec: zone}
		}
	}
	return types
}

// zonesSpec tells where there are volumes of a type. Source: EVS 9.
const zonesSpec = "RESKEY:availability_zones"

// multiattachSpec makes the volumes of a type attachable to several servers when
// its value is isTrue. Source: Cinder, Volume multi-attach.
const multiattachSpec = "multiattach"

// multiattach tells whether volumes of the type may have several attachments.
func (t *VolumeType) multiattach() bool { return t.ExtraSpecs[multiattachSpec] == isTrue }

// VisibleSpecs are the extra specs that are shown to everybody; the others are for
// administrators. Source: Cinder policies type_extra_specs USER_VISIBLE_EXTRA_SPECS.
var VisibleSpecs = []string{zonesSpec, multiattachSpec, "replication_enabled"}

// SpecsFor are the extra specs of the type that the caller may see.
func (t *VolumeType) SpecsFor(c Caller) map[string]string {
	if c.Admin {
		return t.ExtraSpecs
	}
	shown := map[string]string{}
	for _, key := range VisibleSpecs {
		if value, there := t.ExtraSpecs[key]; there {
			shown[key] = value
		}
	}
	return shown
}

var (
	specKey    = regexp.MustCompile(`^[a-zA-Z0-9\-_:. /]{1,255}$`)
	strictSpec = regexp.MustCompile(`^[a-zA-Z0-9\-_:.]{1,255}$`)
)

// CheckSpecs holds extra specs to their form: keys of 1 to 255 letters, digits and
// -_:. and, unless strict, spaces and slashes; values of up to MaxMetadataValue
// characters; MaxSpecs of them. Fails with Invalid. Source: Cinder parameter_types
// extra_specs_with_null, extra_specs_with_no_spaces_key.
func CheckSpecs(specs map[string]string, strict bool) error {
	if len(specs) > MaxSpecs {
		return Errorf(Invalid, "There are %d specs; at most %d are allowed.", len(specs), MaxSpecs)
	}
	form := specKey
	if strict {
		form = strictSpec
	}
	for key, value := range specs {
		if !form.MatchString(key) {
			return Errorf(Invalid, "Invalid input for field/attribute extra_specs: the key %.64q does not match %s.", key, form)
		}
		if err := checkSpecValue(key, value); err != nil {
			return err
		}
	}
	return nil
}

func checkSpecValue(key, value string) error {
	if n := utf8.RuneCountInString(value); n > MaxMetadataValue {
		return Errorf(Invalid, "Invalid input: the value of the key %.64q has %d characters, more than %d.", key, n, MaxMetadataValue)
	}
	for _, r := range value {
		if r == 0 {
			return Errorf(Invalid, "Invalid input: the value of the key %.64q has the character U+0000, which is not allowed.", key)
		}
	}
	return nil
}

// typeNamed finds a type by id or by name; an id wins. Source: Cinder get_by_name_or_id.
func typeNamed(types []*VolumeType, named string) *VolumeType {
	var byName *VolumeType
	for _, t := range types {
		switch named {
		case t.ID:
			return t
		case t.Name:
			byName = t
		}
	}
	return byName
}

func noType(named string) error {
	return On("volume_type", Errorf(NotFound, "Volume type with name or id %.64s could not be found.", named))
}
