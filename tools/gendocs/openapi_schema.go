package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// named is a schema by its name, as OpenAPI words it.
func (b *apiBook) named(name string) (map[string]any, error) {
	if made, is := b.made[name].(map[string]any); is {
		return made, nil
	}
	source, there := b.Schemas[name]
	if !there {
		return nil, fmt.Errorf("there is no schema %q", name)
	}
	if _, running := b.made[name]; running {
		return nil, fmt.Errorf("schema %q is made of itself", name)
	}
	b.made[name] = nil
	made, err := b.schema(source, "")
	if err != nil {
		return nil, fmt.Errorf("schema %s: %w", name, err)
	}
	worded := made.(map[string]any)
	b.made[name] = worded
	return worded, nil
}

// schema words one schema: a name (with "?" null is allowed, too), an array written
// as [item], an object written by its fields, or OpenAPI's own words.
func (b *apiBook) schema(source any, version string) (any, error) {
	switch s := source.(type) {
	case string:
		return b.byName(s, version)
	case []any:
		if len(s) != 1 {
			return nil, fmt.Errorf("an array has one kind of item: %v", s)
		}
		items, err := b.schema(s[0], version)
		return map[string]any{"type": "array", "items": items}, err
	case map[string]any:
		if _, is := s["fields"]; is {
			return b.object(s, version)
		}
		return b.words(s, version)
	}
	return nil, fmt.Errorf("no schema: %v", source)
}

func (b *apiBook) byName(name, version string) (any, error) {
	name = strings.ReplaceAll(name, "{V}", strings.ToUpper(version))
	plain, nullable := strings.CutSuffix(name, "?")
	switch plain {
	case "string", "integer", "boolean":
		return compact(map[string]any{"type": plain, "nullable": nullable}), nil
	}
	if !nullable {
		if _, there := b.Schemas[plain]; !there {
			return nil, fmt.Errorf("there is no schema %q", plain)
		}
		return reference("schemas", plain), nil
	}
	made, err := b.named(plain)
	if err != nil {
		return nil, err
	}
	made = maps.Clone(made)
	made["nullable"] = true
	if values, is := made["enum"].([]any); is {
		made["enum"] = append(slices.Clone(values), nil)
	}
	return made, nil
}

// object words an object of these members and no others; those whose name does not
// end in "?" are always there.
func (b *apiBook) object(source map[string]any, version string) (any, error) {
	properties, required := map[string]any{}, []string{}
	made := map[string]any{"type": "object", "additionalProperties": false}
	if from, is := source["extends"].(string); is {
		base, err := b.named(from)
		if err != nil {
			return nil, err
		}
		maps.Copy(properties, base["properties"].(map[string]any))
		if all, is := base["required"].([]string); is {
			required = append(required, all...)
		}
	}
	members, is := source["fields"].(map[string]any)
	if !is {
		return nil, fmt.Errorf("fields are no object: %v", source["fields"])
	}
	for key, of := range members {
		name, optional := strings.CutSuffix(key, "?")
		schema, err := b.schema(of, version)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		properties[name] = schema
		required = slices.DeleteFunc(required, func(r string) bool { return r == name })
		if !optional {
			required = append(required, name)
		}
	}
	for key, v := range source {
		if key != "fields" && key != "extends" {
			made[key] = v
		}
	}
	made["properties"] = properties
	if len(required) > 0 {
		slices.Sort(required)
		made["required"] = required
	}
	return made, nil
}

// words takes OpenAPI's own words, with schemas in our short form within.
func (b *apiBook) words(source map[string]any, version string) (any, error) {
	made := maps.Clone(source)
	for key, v := range source {
		var err error
		switch key {
		case "items", "additionalProperties", "not":
			if _, is := v.(bool); !is {
				made[key], err = b.schema(v, version)
			}
		case "oneOf", "anyOf", "allOf":
			list, _ := v.([]any)
			all := make([]any, len(list))
			for i, one := range list {
				if all[i], err = b.schema(one, version); err != nil {
					break
				}
			}
			made[key] = all
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
	}
	return made, nil
}
