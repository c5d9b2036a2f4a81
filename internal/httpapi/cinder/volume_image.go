package cinder

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// imageActions are what volumes have to do with images.
func (a *API) imageActions() []wire.Route {
	return actions("/volumes/{volume_id}/action", []wire.Route{
		{Name: "volume.upload_image", Action: "os-volume_upload_image", Permission: wire.Member, Source: evs66, Handle: a.uploadImage},
		{Name: "volume.reimage", Action: "os-reimage", Permission: wire.Member, Since: wire.Reimage, Source: cinderAPI, Handle: a.reimageVolume},
		{Name: "volume.set_image_metadata", Action: "os-set_image_metadata", Permission: wire.Member, OK: 200, Source: cinderAPI, Handle: a.setImageMetadata},
		{Name: "volume.unset_image_metadata", Action: "os-unset_image_metadata", Permission: wire.Member, OK: 200, Source: cinderAPI, Handle: a.unsetImageMetadata},
		{Name: "volume.show_image_metadata", Action: "os-show_image_metadata", Permission: wire.Reader, OK: 200, Source: cinderAPI, Handle: a.showImageMetadata},
	})
}

// imageName is the form of an image's name. Source: EVS 6.6.
var imageName = regexp.MustCompile(`^[A-Za-z0-9._-]([A-Za-z0-9 ._-]{0,126}[A-Za-z0-9._-])?$`)

// Formats that Cinder or EVS know; all but the raw one are refused with the reason.
// Source: Cinder volume_upload_image; EVS 6.6.
var (
	diskFormats      = []string{"raw", "vmdk", "vdi", "qcow2", "vhd", "vhdx", "ploop", "zvhd", "zvhd2"}
	containerFormats = []string{"bare", "ami", "ari", "aki", "ovf", "ova", "docker", "compressed"}
)

// readUpload reads the body of os-volume_upload_image.
func readUpload(x *wire.Exchange) (n block.VolumeUpload, err error) {
	const action = "os-volume_upload_image"
	members, err := x.Object(action)
	if err != nil {
		return n, err
	}
	known := []string{"image_name", "force", "disk_format", "container_format", "__os_type"}
	if x.Version >= wire.UploadVisibility {
		known = append(known, "visibility", "protected")
	}
	if err := members.Only(action, known...); err != nil {
		return n, err
	}
	n.DiskFormat, n.Container, n.Visibility = block.DiskRaw, block.ContainerBare, block.ImageShared
	if x.Version >= wire.UploadVisibility {
		n.Visibility = block.ImagePrivate
	}
	osType := ""
	for key, into := range map[string]*string{"image_name": &n.Name, "disk_format": &n.DiskFormat, "container_format": &n.Container, "visibility": &n.Visibility, "__os_type": &osType} {
		if value, given := members.Get(key); given {
			if *into, err = wire.ReadString(value, key); err != nil {
				return n, err
			}
		}
	}
	for key, into := range map[string]*bool{"force": &n.Force, "protected": &n.Protected} {
		if value, given := members.Get(key); given {
			if *into, err = wire.ReadBool(value, key); err != nil {
				return n, err
			}
		}
	}
	if osType != "" {
		n.Properties = map[string]string{"__os_type": osType}
	}
	return n, checkUpload(x.Dialect, n, osType)
}

func checkUpload(d *wire.Dialect, n block.VolumeUpload, osType string) error {
	switch {
	case n.Name == "" || len(n.Name) > 4*block.MaxText:
		return block.On("image_name", block.Errorf(block.Invalid, "Invalid input for field/attribute image_name: it is needed, with 1 to %d characters.", block.MaxText))
	case d.PlainImageNames && !imageName.MatchString(n.Name):
		return block.On("image_name", block.Errorf(block.Invalid, "Invalid input for field/attribute image_name: it has 1 to 128 letters, digits, hyphens, dots and underscores, and spaces within."))
	case !slices.Contains(diskFormats, n.DiskFormat):
		return block.Errorf(block.Invalid, "Invalid input for field/attribute disk_format: %.32q is none of %s.", n.DiskFormat, strings.Join(diskFormats, ", "))
	case n.DiskFormat != block.DiskRaw:
		return block.Errorf(block.Invalid, "Invalid input for field/attribute disk_format: images hold raw bytes only, not %s; upload raw and convert it elsewhere, as with qemu-img convert.", n.DiskFormat)
	case !slices.Contains(containerFormats, n.Container):
		return block.Errorf(block.Invalid, "Invalid input for field/attribute container_format: %.32q is none of %s.", n.Container, strings.Join(containerFormats, ", "))
	case n.Container != block.ContainerBare:
		return block.Errorf(block.Invalid, "Invalid input for field/attribute container_format: images hold raw bytes only, whose container is bare, not %s.", n.Container)
	case osType != "" && osType != "windows" && osType != "linux":
		return block.Errorf(block.Invalid, "Invalid input for field/attribute __os_type: it is windows or linux, not %.32q.", osType)
	}
	return nil
}

// uploadImage serves os-volume_upload_image. Source: Cinder; EVS 6.6.
func (a *API) uploadImage(x *wire.Exchange) error {
	wanted, err := readUpload(x)
	if err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	types, err := a.blocks.VolumeTypes(x.Context())
	if err != nil {
		return err
	}
	vol, image, err := a.blocks.UploadVolume(x.Context(), caller, x.PathValue("volume_id"), wanted)
	if err != nil {
		return err
	}
	return x.Reply(http.StatusAccepted, func(b []byte) []byte {
		b = append(b, `{"os-volume_upload_image":{"id":"`...)
		b = append(b, vol.ID...)
		b = append(b, `","status":"uploading","updated_at":`...)
		b = wire.AppendTime(b, vol.UpdatedAt)
		b = append(b, `,"display_description":`...)
		b = wire.AppendText(b, vol.Description)
		b = append(b, `,"size":`...)
		b = strconv.AppendInt(b, int64(vol.Size), 10)
		b = append(b, `,"volume_type":`...)
		b = appendUploadType(b, types, vol.TypeID)
		b = append(b, `,"image_id":"`...)
		b = append(b, image.ID...)
		b = append(b, `","image_name":`...)
		b = wire.AppendText(b, image.Name)
		b = append(b, `,"container_format":"bare","disk_format":"raw"`...)
		if x.Version >= wire.UploadVisibility {
			b = append(b, `,"visibility":`...)
			b = wire.AppendString(b, image.Visibility)
			b = append(b, `,"protected":`...)
			b = wire.AppendBool(b, image.Protected)
		}
		return append(b, `}}`...)
	})
}

// appendUploadType appends the volume's type as this call shows it. Source: EVS 6.6.
func appendUploadType(b []byte, types []*block.VolumeType, id string) []byte {
	i := slices.IndexFunc(types, func(t *block.VolumeType) bool { return t.ID == id })
	if i < 0 {
		return append(b, "null"...)
	}
	t := types[i]
	b = append(b, `{"id":"`...)
	b = append(b, t.ID...)
	b = append(b, `","name":`...)
	b = wire.AppendString(b, t.Name)
	b = append(b, `,"description":`...)
	b = wire.AppendText(b, t.Description)
	b = append(b, `,"is_public":`...)
	b = wire.AppendBool(b, t.Public)
	b = append(b, `,"deleted":false,"deleted_at":null,"created_at":`...)
	b = wire.AppendTime(b, t.CreatedAt)
	b = append(b, `,"updated_at":`...)
	b = wire.AppendTime(b, t.UpdatedAt)
	b = append(b, `,"extra_specs":`...)
	b = wire.AppendMetadata(b, t.ExtraSpecs)
	return append(b, '}')
}

// imageKey is the form of a key of image metadata. Source: Cinder image_metadata.
var imageKey = regexp.MustCompile(`^[a-zA-Z0-9_:. /-]{1,255}$`)

// setImageMetadata serves os-set_image_metadata.
func (a *API) setImageMetadata(x *wire.Exchange) error {
	const action = "os-set_image_metadata"
	members, err := x.Object(action)
	if err != nil {
		return err
	}
	if err := members.Only(action, "metadata"); err != nil {
		return err
	}
	value, _ := members.Get("metadata")
	items, err := wire.ReadItems(value, "metadata")
	if err != nil {
		return err
	}
	for key := range items {
		if !imageKey.MatchString(key) {
			return block.Errorf(block.Invalid, "Invalid input for field/attribute metadata: the key %.64q has other than 1 to 255 letters, digits, spaces and - _ : . /.", key)
		}
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	all, err := a.blocks.SetImageMetadata(x.Context(), caller, x.PathValue("volume_id"), items)
	if err != nil {
		return err
	}
	return replyImageMetadata(x, all)
}

// unsetImageMetadata serves os-unset_image_metadata.
func (a *API) unsetImageMetadata(x *wire.Exchange) error {
	const action = "os-unset_image_metadata"
	members, err := x.Object(action)
	if err != nil {
		return err
	}
	if err := members.Only(action, "key"); err != nil {
		return err
	}
	value, _ := members.Get("key")
	key, err := wire.ReadString(value, "key")
	if err != nil {
		return err
	}
	if key == "" || len(key) > block.MaxText {
		return block.Errorf(block.Invalid, "Invalid input for field/attribute key: it has 1 to %d characters.", block.MaxText)
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	if err := a.blocks.UnsetImageMetadata(x.Context(), caller, x.PathValue("volume_id"), key); err != nil {
		return err
	}
	return replyNothing(x, http.StatusOK)
}

// showImageMetadata serves os-show_image_metadata, whatever its value is.
func (a *API) showImageMetadata(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	vol, err := a.blocks.Volume(x.Context(), caller, x.PathValue("volume_id"))
	if err != nil {
		return err
	}
	return replyImageMetadata(x, vol.ImageMetadata)
}

func replyImageMetadata(x *wire.Exchange, items map[string]string) error {
	return x.Reply(http.StatusOK, func(b []byte) []byte {
		b = append(b, `{"metadata":`...)
		b = wire.AppendMetadata(b, items)
		return append(b, '}')
	})
}

// readImageRef reads the image that a volume is to be made from: imageRef, or
// image_id. Source: Cinder volumes create, _image_uuid_from_ref.
func readImageRef(members wire.Members) (string, error) {
	found := ""
	for _, key := range []string{"image_id", "imageRef"} {
		image, err := optionalString(members, key)
		if err != nil {
			return "", err
		}
		if image == "" {
			continue
		}
		if !wire.IsUUID(image) {
			return "", block.On("imageRef", block.Errorf(block.Invalid, "Invalid image identifier or unable to access requested image: %s %.64s.", key, image))
		}
		found = image
	}
	return found, nil
}

// byImageMetadata is byMetadata for what volumes keep of their images.
func byImageMetadata(q *listQuery, value string) error {
	items, ok := wire.ReadPairs(value)
	if !ok {
		q.none = true
		return nil
	}
	if len(items) > maxFilterItems {
		return block.Errorf(block.Invalid, "The filter glance_metadata names %d items; at most %d are allowed.", len(items), maxFilterItems)
	}
	for key, item := range items {
		q.none = q.none || strings.Contains(key+item, "\x00")
	}
	q.ImageItems = items
	return nil
}

// reimageVolume serves os-reimage. Source: Cinder volume_actions, reimage.
func (a *API) reimageVolume(x *wire.Exchange) error {
	members, err := x.Object("os-reimage")
	if err != nil {
		return err
	}
	if err := members.Only("os-reimage", "image_id", "reimage_reserved"); err != nil {
		return err
	}
	image, err := members.UUID("image_id", "Image")
	if err != nil {
		return err
	}
	reserved := false
	if value, given := members.Get("reimage_reserved"); given {
		if reserved, err = wire.ReadBool(value, "reimage_reserved"); err != nil {
			return err
		}
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	if err := a.blocks.ReimageVolume(x.Context(), caller, x.PathValue("volume_id"), image, reserved); err != nil {
		return err
	}
	return replyNothing(x, http.StatusAccepted)
}
