package image

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// defaultPage is how many images an answer has unless the caller says so. Source:
// Glance limit_param_default.
const defaultPage = 25

// sortFields are the keys that lists can be ordered by. Source: Glance images deserializer.
var sortFields = map[string]block.Field{
	"name": block.FieldName, "status": block.FieldStatus, "container_format": block.FieldContainerFormat, "disk_format": block.FieldDiskFormat,
	"size": block.FieldSize, "id": block.FieldID, "created_at": block.FieldCreatedAt, "updated_at": block.FieldUpdatedAt,
}

// filters are the attributes that lists can be kept by; what is none of these is a
// property. Source: Glance api-ref, list images.
var filters = map[string]block.Filter{
	"id": {Field: block.FieldID}, "name": {Field: block.FieldName}, "status": {Field: block.FieldStatus}, "owner": {Field: block.FieldProjectID},
	"disk_format": {Field: block.FieldDiskFormat}, "container_format": {Field: block.FieldContainerFormat},
	"protected": {Field: block.FieldProtected}, "os_hidden": {Field: block.FieldHidden},
	"min_disk": {Field: block.FieldMinDisk}, "min_ram": {Field: block.FieldMinRAM},
	"size": {Field: block.FieldSize}, "size_min": {Field: block.FieldSize, Op: block.GreaterOrEqual}, "size_max": {Field: block.FieldSize, Op: block.LessOrEqual},
}

// flags are the filters that take a boolean in any of its words.
var flags = []string{"protected", "os_hidden"}

// readList reads the query of a list.
func readList(query url.Values) (q block.ImageQuery, err error) {
	q.Limit = defaultPage
	if given := query.Get("limit"); given != "" {
		if q.Limit, err = strconv.Atoi(given); err != nil || q.Limit < 0 {
			return q, block.Errorf(block.Invalid, "limit param must be a whole number that is not negative.")
		}
	}
	q.Limit, q.Marker = min(q.Limit, block.MaxPage), query.Get("marker")
	if q.Sort, err = readSort(query); err != nil {
		return q, err
	}
	hidden := false
	for key, values := range query {
		value := values[0]
		if strings.ContainsRune(value+key, 0) || !utf8.ValidString(value+key) {
			return q, block.Errorf(block.Invalid, "Invalid filter: it has characters that no image has.")
		}
		switch key {
		case "limit", "marker", "sort", "sort_key", "sort_dir", "member_status":
			continue
		case "visibility":
			q.Visibility = value
			if value == "all" {
				q.Visibility = ""
			} else if !slices.Contains([]string{block.ImagePublic, block.ImagePrivate, block.ImageShared, block.ImageCommunity}, value) {
				return q, block.Errorf(block.Invalid, "Invalid visibility value: %.32s", value)
			}
			continue
		case "tag", "created_at", "updated_at", "changes-since":
			return q, block.Errorf(block.Invalid, "Invalid filter %s: images are not kept by it here.", key)
		}
		hidden = hidden || key == "os_hidden"
		if err := keep(&q, key, value); err != nil {
			return q, err
		}
	}
	if !hidden {
		q.Filters = append(q.Filters, block.Filter{Field: block.FieldHidden, Value: "false"})
	}
	return q, nil
}

// keep adds one filter. in: begins a list of values.
func keep(q *block.ImageQuery, key, value string) error {
	f, known := filters[key]
	if !known {
		if q.Metadata == nil {
			q.Metadata = map[string]string{}
		}
		q.Metadata[key] = value
		return nil
	}
	f.Value = value
	if several, is := strings.CutPrefix(value, "in:"); is && f.Op == block.Equal {
		f.Op, f.Value = block.OneOf, several
	}
	if slices.Contains(flags, key) {
		on, err := strconv.ParseBool(strings.ToLower(value))
		if err != nil {
			return block.Errorf(block.Invalid, "Invalid value '%.32s' for '%s' filter: it is true or false.", value, key)
		}
		f.Value = strconv.FormatBool(on)
	}
	q.Filters = append(q.Filters, f)
	return nil
}

// readSort reads either of the two ways to order a list.
func readSort(query url.Values) (keys []block.SortKey, err error) {
	var pairs [][2]string
	if given, both := query.Get("sort"), query.Has("sort_key") || query.Has("sort_dir"); given != "" {
		if both {
			return nil, block.Errorf(block.Invalid, "Old and new sorting syntax cannot be combined")
		}
		for part := range strings.SplitSeq(given, ",") {
			key, dir, _ := strings.Cut(part, ":")
			pairs = append(pairs, [2]string{key, dir})
		}
	} else {
		dirs := query["sort_dir"]
		for i, key := range query["sort_key"] {
			dir := ""
			if len(dirs) == 1 {
				dir = dirs[0]
			} else if i < len(dirs) {
				dir = dirs[i]
			}
			pairs = append(pairs, [2]string{key, dir})
		}
		if len(pairs) == 0 && len(dirs) > 0 {
			pairs = append(pairs, [2]string{"created_at", dirs[0]})
		}
	}
	for _, pair := range pairs {
		field, known := sortFields[strings.TrimSpace(pair[0])]
		if !known {
			return nil, block.Errorf(block.Invalid, "Invalid sort key: %.32s. It must be one of the following: name, status, container_format, disk_format, size, id, created_at, updated_at.", pair[0])
		}
		dir := strings.TrimSpace(pair[1])
		if dir != "" && dir != "asc" && dir != "desc" {
			return nil, block.Errorf(block.Invalid, "Invalid sort direction: %.32s. It must be one of the following: asc, desc.", dir)
		}
		keys = append(keys, block.SortKey{Field: field, Desc: dir != "asc"})
	}
	return keys, nil
}

// listImages serves GET /image/v2/images.
func (a *API) listImages(x *wire.Exchange) error {
	query, err := url.ParseQuery(x.Request.URL.RawQuery)
	if err != nil {
		return block.Errorf(block.Invalid, "The query of the URL cannot be read: a character is not encoded as it must be.")
	}
	q, err := readList(query)
	if err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	var rows []*block.Image
	if q.Limit > 0 {
		rows, err = a.blocks.Images(x.Context(), caller, q)
	}
	if block.KindOf(err) == block.NotFound {
		return block.Errorf(block.Invalid, "Invalid marker. Image could not be found.")
	}
	if err != nil {
		return err
	}
	return x.Reply(http.StatusOK, func(b []byte) []byte {
		b = append(b, `{"images":[`...)
		for i, row := range rows {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendImage(b, row)
		}
		b = append(b, `],"first":`...)
		query.Del("marker")
		b = wire.AppendString(b, listPath(query))
		if len(rows) > 0 && len(rows) == q.Limit {
			query.Set("marker", rows[len(rows)-1].ID)
			b = append(b, `,"next":`...)
			b = wire.AppendString(b, listPath(query))
		}
		return append(b, `,"schema":"/v2/schemas/images"}`...)
	})
}

func listPath(query url.Values) string {
	if len(query) == 0 {
		return "/v2/images"
	}
	return "/v2/images?" + query.Encode()
}

// showImage serves GET /image/v2/images/{image_id}.
func (a *API) showImage(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	image, err := a.blocks.Image(x.Context(), caller, x.PathValue("image_id"))
	if err != nil {
		return err
	}
	return replyImage(x, http.StatusOK, image)
}
