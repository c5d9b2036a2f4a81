package block

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// QoSSpecs are named figures of how fast the volumes of the associated types may
// be. Rows are values: change a copy, save it. Source: Cinder qos_specs.
type QoSSpecs struct {
	ID        string
	Name      string // unique
	Consumer  string // one of QoSConsumers
	Specs     map[string]string
	CreatedAt time.Time
	UpdatedAt time.Time // zero: never changed
	Version   int64
}

// The consumers: who holds a volume to its specs.
const (
	frontEnd = "front-end"
	backEnd  = "back-end"
	both     = "both"
)

// QoSConsumers are the consumers that there are. Source: Cinder CONTROL_LOCATION.
var QoSConsumers = []string{frontEnd, backEnd, both}

func checkConsumer(consumer string) error {
	if !slices.Contains(QoSConsumers, consumer) {
		return Errorf(Invalid, "Invalid qos specs: the consumer %.64q is none of %s.", consumer, strings.Join(QoSConsumers, ", "))
	}
	return nil
}

// checkQoS holds the figures to the lengths of their texts. What the keys mean is
// the consumer's business, so any text is taken. Source: Cinder
// validate_dictionary_string_length.
func checkQoS(specs map[string]string) error {
	if len(specs) > MaxSpecs {
		return Errorf(Invalid, "Invalid qos specs: there are %d; at most %d are allowed.", len(specs), MaxSpecs)
	}
	for key, value := range specs {
		if n := utf8.RuneCountInString(key); n < 1 || n > MaxMetadataKey || strings.ContainsRune(key, 0) {
			return Errorf(Invalid, "Invalid qos specs: a key must have from 1 to %d characters, none of them U+0000; %.64q does not.", MaxMetadataKey, key)
		}
		if err := checkSpecValue(key, value); err != nil {
			return err
		}
	}
	return nil
}
