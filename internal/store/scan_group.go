package store

import (
	"encoding/json"
	"fmt"

	"github.com/breezeblock/breezeblock/internal/block"
)

// textsText is a JSON object whose values are strings or null.
func textsText(items map[string]block.Text) (string, error) {
	plain := make(map[string]*string, len(items))
	for key, item := range items {
		if plain[key] = nil; item.Valid {
			plain[key] = &item.Value
		}
	}
	text, err := json.Marshal(plain)
	return string(text), err
}

func parseTexts(text string, into *map[string]block.Text) error {
	var plain map[string]*string
	if err := json.Unmarshal([]byte(text), &plain); err != nil {
		return fmt.Errorf("stored items: %w", err)
	}
	items := make(map[string]block.Text, len(plain))
	for key, item := range plain {
		if items[key] = (block.Text{}); item != nil {
			items[key] = block.SetText(*item)
		}
	}
	*into = items
	return nil
}

// idsText is a JSON array of strings.
func idsText(ids []string) (string, error) {
	if len(ids) == 0 {
		return "[]", nil
	}
	text, err := json.Marshal(ids)
	return string(text), err
}

func parseIDs(text string, into *[]string) error {
	if text == "[]" {
		*into = nil
		return nil
	}
	return json.Unmarshal([]byte(text), into)
}
