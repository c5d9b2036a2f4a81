package block

import (
	"context"
	"maps"
	"slices"
	"unicode/utf8"
)

// TagKind is what kind of object a tag is on, as the paths of the API call it.
type TagKind string

const (
	TagVolume   TagKind = "volumes"
	TagSnapshot TagKind = "snapshots"
	TagBackup   TagKind = "backups"

	TagSnapshotGroup TagKind = "snapshot-groups"
)

// What errors of tags are about.
const (
	AboutTag      = "tag"       // a key or a value. Source: EVS.1062
	AboutTagCount = "tag.count" // too many on one object. Source: EVS.1061
)

// TagMatch is a key, and the values of which an object must have one for it; no
// values: any value will do.
type TagMatch struct {
	Key    string
	Values []string
}

// TagCondition keeps objects by their tags: those that have all of Matches, or any
// of them, or those that have not.
type TagCondition struct {
	Matches []TagMatch
	Any     bool // one of Matches is enough
	Not     bool // the objects for which it does not hold
}

// TagStore is what Store has for tags.
type TagStore interface {
	// Tags are the tags of objects of one kind, by id; those that have none are left out.
	Tags(ctx context.Context, kind TagKind, ids []string) (map[string]map[string]string, error)
	// ProjectTags are the keys and values on a project's objects of one kind, each
	// once, in order; limit at most.
	ProjectTags(ctx context.Context, kind TagKind, projectID string, limit int) ([]Tag, error)
}

// TagTx is what Tx has for tags. They go when their object's row is dropped.
type TagTx interface {
	// Tags are the tags of one object, whose row the transaction has read for writing.
	Tags(kind TagKind, id string) (map[string]string, error)
	// SaveTags writes all tags of an object in the place of those that it had.
	SaveTags(kind TagKind, id string, tags map[string]string) error
}

// Tag is one key and value.
type Tag struct{ Key, Value string }

// CheckTags holds the tags of one object to their number, lengths and alphabet.
// Source: EVS 11; EVS.1061, EVS.1062.
func CheckTags(tags map[string]string) error {
	if len(tags) > MaxTags {
		return On(AboutTagCount, Errorf(Invalid, "Invalid tags: one resource has at most %d tags, not %d.", MaxTags, len(tags)))
	}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		if err := CheckTag(key, tags[key]); err != nil {
			return err
		}
	}
	return nil
}

// CheckTag holds one tag to its lengths and alphabet. Source of the alphabet:
// Huawei Cloud EVS API reference, Batch Adding Tags; that of Open Telekom Cloud has
// neither the full stop in values nor Chinese characters.
func CheckTag(key, value string) error {
	switch n, bad := utf8.RuneCountInString(key), firstOutside(key, isTagKey); {
	case n == 0:
		return On(AboutTag, Errorf(Invalid, "Invalid tags: a key must not be empty."))
	case n > MaxTagKey:
		return On(AboutTag, Errorf(Invalid, "Invalid tags: a key has at most %d characters, not %d.", MaxTagKey, n))
	case bad != 0:
		return On(AboutTag, Errorf(Invalid, "Invalid tags: a key has letters, digits, - and _ only, not U+%04X.", bad))
	}
	switch n, bad := utf8.RuneCountInString(value), firstOutside(value, isTagValue); {
	case n > MaxTagValue:
		return On(AboutTag, Errorf(Invalid, "Invalid tags: the value of %s has at most %d characters, not %d.", key, MaxTagValue, n))
	case bad != 0:
		return On(AboutTag, Errorf(Invalid, "Invalid tags: the value of %s has letters, digits, -, _ and full stops only, not U+%04X.", key, bad))
	}
	return nil
}

// firstOutside is the first character that is not allowed; NUL, which never is, is
// told as U+FFFD, so that 0 means none.
func firstOutside(s string, allowed func(rune) bool) rune {
	for _, r := range s {
		if !allowed(r) {
			if r == 0 {
				return utf8.RuneError
			}
			return r
		}
	}
	return 0
}

func isTagKey(r rune) bool {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
		return true
	}
	return r >= 0x4e00 && r <= 0x9fff
}

func isTagValue(r rune) bool { return r == '.' || isTagKey(r) }

// Tags are the tags of one object. Fails with NotFound.
func (s *Service) Tags(ctx context.Context, c Caller, kind TagKind, id string) (map[string]string, error) {
	if err := s.seesTagged(ctx, c, kind, id); err != nil {
		return nil, err
	}
	found, err := s.store.Tags(ctx, kind, []string{id})
	return found[id], err
}

// TagsOf are the tags of objects that the caller has read already, by id; those
// that have none are left out.
func (s *Service) TagsOf(ctx context.Context, kind TagKind, ids []string) (map[string]map[string]string, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	return s.store.Tags(ctx, kind, ids)
}

// ProjectTags are the keys and values on the objects of the caller's project, each
// once, in order; MaxProjectTags at most.
func (s *Service) ProjectTags(ctx context.Context, c Caller, kind TagKind) ([]Tag, error) {
	if c.ProjectID == "" {
		return nil, Errorf(Forbidden, "A token of a project is needed to list its tags.")
	}
	return s.store.ProjectTags(ctx, kind, c.ProjectID, MaxProjectTags)
}

// SetTags writes tags over those of an object, or in their place, and tells all
// that it has then. Fails with NotFound, and as CheckTags does.
func (s *Service) SetTags(ctx context.Context, c Caller, kind TagKind, id string, tags map[string]string, replace bool) (map[string]string, error) {
	if err := CheckTags(tags); err != nil {
		return nil, err
	}
	return s.changeTags(ctx, c, kind, id, func(had map[string]string) (map[string]string, error) {
		if replace {
			return tags, nil
		}
		all := maps.Clone(had)
		if all == nil {
			all = map[string]string{}
		}
		maps.Copy(all, tags)
		return all, CheckTags(all)
	})
}

// DropTags removes tags by their keys; those that are not there stay so. Fails with
// NotFound for the object.
func (s *Service) DropTags(ctx context.Context, c Caller, kind TagKind, id string, keys []string) error {
	_, err := s.changeTags(ctx, c, kind, id, func(had map[string]string) (map[string]string, error) {
		left := maps.Clone(had)
		for _, key := range keys {
			delete(left, key)
		}
		return left, nil
	})
	return err
}

// DropTag removes one tag. Fails with NotFound, also for the key.
func (s *Service) DropTag(ctx context.Context, c Caller, kind TagKind, id, key string) error {
	_, err := s.changeTags(ctx, c, kind, id, func(had map[string]string) (map[string]string, error) {
		if _, there := had[key]; !there {
			return nil, NoTag()
		}
		left := maps.Clone(had)
		delete(left, key)
		return left, nil
	})
	return err
}

// NoTag says that an object has no tag of a key. Source of the text: EVS, Querying
// Tags of an EVS Resource by Key.
func NoTag() error { return Errorf(NotFound, "Tags item was not found") }

// changeTags changes the tags of one object while its row is held for writing.
func (s *Service) changeTags(ctx context.Context, c Caller, kind TagKind, id string, change func(map[string]string) (map[string]string, error)) (after map[string]string, err error) {
	err = s.store.InTx(ctx, func(tx Tx) error {
		if err := holdTagged(tx, c, kind, id); err != nil {
			return err
		}
		had, err := tx.Tags(kind, id)
		if err != nil {
			return err
		}
		if after, err = change(had); err != nil || maps.Equal(had, after) {
			return err
		}
		return tx.SaveTags(kind, id, after)
	})
	if err != nil {
		return nil, err
	}
	return after, nil
}

// addTags gives a new object its tags, in the transaction that adds its row.
func addTags(tx Tx, kind TagKind, id string, tags map[string]string) error {
	if len(tags) == 0 {
		return nil
	}
	return tx.SaveTags(kind, id, tags)
}

// seesTagged fails with NotFound unless the object is the caller's.
func (s *Service) seesTagged(ctx context.Context, c Caller, kind TagKind, id string) error {
	switch kind {
	case TagVolume:
		_, err := s.Volume(ctx, c, id)
		return err
	case TagSnapshot:
		_, err := s.Snapshot(ctx, c, id)
		return err
	case TagBackup:
		_, err := s.Backup(ctx, c, id)
		return err
	case TagSnapshotGroup:
		_, err := s.GroupSnapshot(ctx, c, id)
		return err
	}
	return notFound(string(kind), id)
}

// holdTagged is seesTagged for writing: who changes tags waits for others who do.
func holdTagged(tx Tx, c Caller, kind TagKind, id string) error {
	switch kind {
	case TagVolume:
		_, err := volumeFor(tx, c, id)
		return err
	case TagSnapshot:
		snap, err := tx.Snapshot(id)
		if err != nil {
			return err
		}
		return reach(c, snap.ProjectID, "Snapshot", id)
	case TagBackup:
		b, err := tx.Backup(id)
		if err != nil {
			return err
		}
		return reach(c, b.ProjectID, "Backup", id)
	case TagSnapshotGroup:
		_, err := groupSnapshotFor(tx, c, id)
		return err
	}
	return notFound(string(kind), id)
}
