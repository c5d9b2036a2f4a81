package block

import (
	"maps"
	"strings"
	"unicode/utf8"
)

// mergeMetadata gives the items that are stored after a call: given over stored,
// or given alone. Neither map is changed. Fails with Invalid or TooLarge.
func mergeMetadata(stored, given map[string]string, replace bool) (map[string]string, error) {
	if err := CheckMetadata(given); err != nil {
		return nil, err
	}
	merged := map[string]string{}
	if !replace {
		merged = maps.Clone(stored)
		if merged == nil {
			merged = map[string]string{}
		}
	}
	maps.Copy(merged, given)
	return merged, boundMetadata(merged)
}

// boundMetadata holds all the items of one object to their number and size.
func boundMetadata(items map[string]string) error {
	if len(items) > MaxMetadataItems {
		return On(AboutMetadataLarge, Errorf(TooLarge, "Metadata has %d items; at most %d are allowed.", len(items), MaxMetadataItems))
	}
	bytes := 0
	for key, value := range items {
		bytes += len(key) + len(value)
	}
	if bytes > MaxMetadataBytes {
		return On(AboutMetadataLarge, Errorf(TooLarge, "Metadata has %d bytes of keys and values; at most %d are allowed.", bytes, MaxMetadataBytes))
	}
	return nil
}

// CheckMetadata holds items to their lengths: an empty key is Invalid, a long key
// or value, or too much of all, TooLarge. Source: recordings metadata-post-*.
func CheckMetadata(items map[string]string) error {
	for key, value := range items {
		switch {
		case key == "":
			return Errorf(Invalid, "Invalid metadata: a metadata key has 0 characters, less than 1.")
		case strings.ContainsRune(key, 0) || strings.ContainsRune(value, 0):
			return Errorf(Invalid, "Invalid metadata: the character U+0000 is not allowed in key or value.")
		case utf8.RuneCountInString(key) > MaxMetadataKey:
			return Errorf(TooLarge, "Invalid metadata size: Metadata property key %.64s… greater than %d characters.", key, MaxMetadataKey)
		case utf8.RuneCountInString(value) > MaxMetadataValue:
			return Errorf(TooLarge, "Invalid metadata size: Metadata property key %.64s value greater than %d characters.", key, MaxMetadataValue)
		}
	}
	return boundMetadata(items)
}
