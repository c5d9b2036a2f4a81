package cinder

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// maxKeySize is the largest key_size, in bits. Source: Cinder parameter_types key_size.
const maxKeySize = 2147483647

// readEncryption reads {"encryption": {…}}. What Cinder has no column for is ignored,
// as there. Source: Cinder schemas volume_type_encryption.
func readEncryption(x *wire.Exchange) (c block.EncryptionChange, err error) {
	members, err := x.Object("encryption")
	if err != nil {
		return c, err
	}
	if err := x.OnlyKey("encryption"); err != nil {
		return c, err
	}
	if value, given := members.Get("provider"); given {
		text, err := wire.ReadString(value, "provider")
		if err != nil {
			return c, err
		}
		c.Provider = &text
	}
	if value, given := members.Get("control_location"); given {
		text, err := wire.ReadString(value, "control_location")
		if err != nil {
			return c, err
		}
		if locations := []string{"front-end", "back-end"}; !slices.Contains(locations, text) {
			return c, block.Errorf(block.Invalid, "Invalid input for field/attribute control_location: %.64q is invalid, it takes %s.", text, listed(locations))
		}
		c.ControlLocation = &text
	}
	if value, given := members.Get("cipher"); given {
		text := block.Text{}
		if value.Kind() != 'n' {
			cipher, err := wire.ReadString(value, "cipher")
			if err != nil {
				return c, err
			}
			text = block.SetText(cipher)
		}
		c.Cipher = &text
	}
	if value, given := members.Get("key_size"); given {
		size := int64(-1)
		if value.Kind() != 'n' {
			if size, err = wire.ReadInt(value, "key_size", 0, maxKeySize); err != nil {
				return c, err
			}
		}
		c.KeySize = &size
	}
	return c, checkEncryptionTexts(c)
}

func checkEncryptionTexts(c block.EncryptionChange) error {
	check := func(field, text string) error {
		if text == "" {
			return nil
		}
		return checkProject(text, field) // the same lengths
	}
	if c.Provider != nil {
		if err := check("provider", *c.Provider); err != nil {
			return err
		}
	}
	if c.Cipher != nil {
		return check("cipher", c.Cipher.Value)
	}
	return nil
}

// createEncryption serves POST /types/{type_id}/encryption.
func (a *API) createEncryption(x *wire.Exchange) error {
	change, err := readEncryption(x)
	if err != nil {
		return err
	}
	if change.Provider == nil || change.ControlLocation == nil {
		return block.Errorf(block.Invalid, "Invalid input for field/attribute encryption: 'provider' and 'control_location' are required properties.")
	}
	if _, err := x.Authorize(); err != nil {
		return err
	}
	id := x.PathValue("type_id")
	e, err := a.blocks.CreateEncryption(x.Context(), id, change)
	if err != nil {
		return err
	}
	return x.Reply(http.StatusOK, func(b []byte) []byte {
		b = append(b, `{"encryption":{`...)
		b = appendChange(b, change)
		b = append(b, `,"encryption_id":`...)
		b = wire.AppendString(b, e.ID)
		b = append(b, `,"volume_type_id":`...)
		b = wire.AppendString(b, id)
		return append(b, "}}"...)
	})
}

// appendChange appends what was sent, as members.
func appendChange(b []byte, c block.EncryptionChange) []byte {
	first := len(b)
	key := func(name string) {
		if len(b) > first {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), name...), `":`...)
	}
	if c.Provider != nil {
		key("provider")
		b = wire.AppendString(b, *c.Provider)
	}
	if c.ControlLocation != nil {
		key("control_location")
		b = wire.AppendString(b, *c.ControlLocation)
	}
	if c.Cipher != nil {
		key("cipher")
		b = wire.AppendText(b, *c.Cipher)
	}
	if c.KeySize != nil {
		key("key_size")
		b = appendKeySize(b, *c.KeySize)
	}
	return b
}

func appendKeySize(b []byte, bits int64) []byte {
	if bits < 0 {
		return append(b, "null"...)
	}
	return strconv.AppendInt(b, bits, 10)
}

// encryptionField is one member of a type's encryption, as JSON.
type encryptionField struct {
	name  string
	value []byte
}

// encryptionFields are all members, in Cinder's names.
func encryptionFields(typeID string, e *block.Encryption) []encryptionField {
	return []encryptionField{
		{"volume_type_id", wire.AppendString(nil, typeID)},
		{"encryption_id", wire.AppendString(nil, e.ID)},
		{"provider", wire.AppendString(nil, e.Provider)},
		{"control_location", wire.AppendString(nil, e.ControlLocation)},
		{"cipher", wire.AppendText(nil, e.Cipher)},
		{"key_size", appendKeySize(nil, e.KeySize)},
		{"created_at", wire.AppendTime(nil, e.CreatedAt)},
		{"updated_at", wire.AppendTime(nil, e.UpdatedAt)},
		{"deleted_at", []byte("null")},
		{"deleted", []byte("false")},
	}
}

func appendFields(b []byte, fields []encryptionField) []byte {
	b = append(b, '{')
	for i, f := range fields {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), f.name...), `":`...)
		b = append(b, f.value...)
	}
	return append(b, '}')
}

// showEncryption serves GET /types/{type_id}/encryption: flat, and empty when nothing
// is said of encryption.
func (a *API) showEncryption(x *wire.Exchange) error {
	fields, err := a.encryptionOfType(x)
	if err != nil {
		return err
	}
	return x.Reply(http.StatusOK, func(b []byte) []byte { return appendFields(b, fields) })
}

func (a *API) encryptionOfType(x *wire.Exchange) ([]encryptionField, error) {
	caller, err := x.Authorize()
	if err != nil {
		return nil, err
	}
	t, err := a.blocks.VolumeType(x.Context(), caller, x.PathValue("type_id"))
	if err != nil || t.Encryption == nil {
		return nil, err
	}
	return encryptionFields(t.ID, t.Encryption), nil
}

// showEncryptionItem serves GET /types/{type_id}/encryption/{key}.
func (a *API) showEncryptionItem(x *wire.Exchange) error {
	fields, err := a.encryptionOfType(x)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(fields, func(f encryptionField) bool { return f.name == x.PathValue("key") })
	if i < 0 {
		return block.Errorf(block.NotFound, "Volume type encryption for type %s does not exist.", x.PathValue("type_id"))
	}
	return x.Reply(http.StatusOK, func(b []byte) []byte { return appendFields(b, fields[i:i+1]) })
}

// updateEncryption serves PUT /types/{type_id}/encryption/{encryption_id} and answers
// with what was sent. A type has one encryption, so, as in Cinder, its id in the URL
// is not looked at.
func (a *API) updateEncryption(x *wire.Exchange) error {
	change, err := readEncryption(x)
	if err != nil {
		return err
	}
	if _, err := x.Authorize(); err != nil {
		return err
	}
	if err := a.blocks.UpdateEncryption(x.Context(), x.PathValue("type_id"), change); err != nil {
		return err
	}
	return x.Reply(http.StatusOK, func(b []byte) []byte {
		return append(appendChange(append(b, `{"encryption":{`...), change), "}}"...)
	})
}

// deleteEncryption serves DELETE /types/{type_id}/encryption/{encryption_id}.
func (a *API) deleteEncryption(x *wire.Exchange) error {
	if _, err := x.Authorize(); err != nil {
		return err
	}
	if err := a.blocks.DeleteEncryption(x.Context(), x.PathValue("type_id")); err != nil {
		return err
	}
	return replyPage(x, http.StatusAccepted)
}

// showVolumeEncryption serves GET /volumes/{volume_id}/encryption. There is no key
// manager, so no volume has a key. Source: Cinder volume_encryption_metadata_get.
func (a *API) showVolumeEncryption(x *wire.Exchange) error {
	fields, err := a.encryptionOfVolume(x)
	if err != nil {
		return err
	}
	return x.Reply(http.StatusOK, func(b []byte) []byte { return appendFields(b, fields) })
}

func (a *API) encryptionOfVolume(x *wire.Exchange) ([]encryptionField, error) {
	caller, err := x.Authorize()
	if err != nil {
		return nil, err
	}
	e, err := a.blocks.EncryptionOf(x.Context(), caller, x.PathValue("volume_id"))
	if err != nil {
		return nil, err
	}
	fields := []encryptionField{{"encryption_key_id", []byte("null")}}
	if e == nil {
		return fields, nil
	}
	return append(fields, slices.DeleteFunc(encryptionFields("", e), func(f encryptionField) bool {
		return !slices.Contains([]string{"control_location", "cipher", "key_size", "provider"}, f.name)
	})...), nil
}

// showVolumeEncryptionItem serves GET /volumes/{volume_id}/encryption/{key}.
// Assumed: an object, as the type's item is; Cinder writes the bare value, and fails
// for a key that it does not have.
func (a *API) showVolumeEncryptionItem(x *wire.Exchange) error {
	fields, err := a.encryptionOfVolume(x)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(fields, func(f encryptionField) bool { return f.name == x.PathValue("key") })
	if i < 0 {
		return block.Errorf(block.NotFound, "Volume %s has no encryption metadata with key %.64s.", x.PathValue("volume_id"), x.PathValue("key"))
	}
	return x.Reply(http.StatusOK, func(b []byte) []byte { return appendFields(b, fields[i:i+1]) })
}
