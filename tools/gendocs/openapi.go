package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"

	"github.com/oasdiff/yaml"
)

// openAPIFolder holds the sources of docs/evs-openapi.yaml, a file for each family;
// its README says how they are written.
const openAPIFolder = "compat/openapi"

// apiPiece is one source file. Names are shared by all files.
type apiPiece struct {
	Head       map[string]any                      `json:"head"`       // top of the document, as it stands
	Headers    map[string]any                      `json:"headers"`    // on every answer, as they stand
	Faults     map[string]map[string]string        `json:"faults"`     // family, status, name of a response
	Responses  map[string]apiResponse              `json:"responses"`  // of faults
	Parameters map[string]map[string]*apiParameter `json:"parameters"` // path, query or header; name
	Schemas    map[string]any                      `json:"schemas"`
	Paths      []apiPath                           `json:"paths"`
}

type apiResponse struct {
	Description string `json:"description"`
	Schema      any    `json:"schema"`
}

type apiParameter struct {
	Description string `json:"description,omitempty"`
	Schema      any    `json:"schema"`
}

type apiPath struct {
	Path     string        `json:"path"` // below version and project
	Versions []string      `json:"versions"`
	Family   string        `json:"family"` // whose faults it answers with
	Get      *apiOperation `json:"get"`
	Post     *apiOperation `json:"post"`
	Put      *apiOperation `json:"put"`
	Delete   *apiOperation `json:"delete"`
}

// apiOperation is a call, or, with actions, all calls that the body tells apart.
type apiOperation struct {
	ID          string                  `json:"id"`
	Summary     string                  `json:"summary"`
	Description string                  `json:"description"`
	Source      string                  `json:"source"`
	Public      bool                    `json:"public"`     // needs no token
	Deprecated  bool                    `json:"deprecated"` // by EVS
	Refused     bool                    `json:"refused"`    // never succeeds
	Query       []string                `json:"query"`
	Headers     []string                `json:"headers"`
	Request     any                     `json:"request"`
	Answers     map[string]any          `json:"answers"` // by status; null is an empty body
	Actions     map[string]apiOperation `json:"actions"`
}

// apiBook is all pieces together.
type apiBook struct {
	apiPiece
	made    map[string]any // schemas as OpenAPI words them
	answers map[string]any // of actions, as OpenAPI words them, by names of their own
}

// openAPI makes docs/evs-openapi.yaml of the sources.
func openAPI(p *page) error {
	book, err := readOpenAPI(openAPIFolder)
	if err != nil {
		return err
	}
	doc, err := book.document()
	if err != nil {
		return err
	}
	text, err := yaml.Marshal(doc)
	if err != nil {
		return err
	}
	fmt.Fprintf(&p.text, "# Made by `make gen` from %s. Do not edit.\n%s", openAPIFolder, text)
	return nil
}

func readOpenAPI(folder string) (*apiBook, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("no sources in %s (%v)", folder, err)
	}
	book := &apiBook{made: map[string]any{}, answers: map[string]any{}, apiPiece: apiPiece{
		Headers: map[string]any{}, Faults: map[string]map[string]string{}, Responses: map[string]apiResponse{},
		Parameters: map[string]map[string]*apiParameter{"path": {}, "query": {}, "header": {}}, Schemas: map[string]any{},
	}}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var piece apiPiece
		if _, err := yaml.Unmarshal(text, &piece, yaml.DecodeOpts{}, func(d *json.Decoder) *json.Decoder {
			d.DisallowUnknownFields()
			return d
		}); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if err := book.add(&piece); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	return book, nil
}

func (b *apiBook) add(piece *apiPiece) error {
	if piece.Head != nil {
		b.Head = piece.Head
	}
	for in, all := range piece.Parameters {
		if b.Parameters[in] == nil {
			return fmt.Errorf("parameters in %q are not known", in)
		}
		if err := join(b.Parameters[in], all); err != nil {
			return err
		}
	}
	for _, err := range []error{
		join(b.Headers, piece.Headers), join(b.Faults, piece.Faults), join(b.Responses, piece.Responses),
		join(b.Schemas, piece.Schemas),
	} {
		if err != nil {
			return err
		}
	}
	b.Paths = append(b.Paths, piece.Paths...)
	return nil
}

// join puts one map into another; a name may be given once.
func join[V any](all, more map[string]V) error {
	for name, v := range more {
		if _, there := all[name]; there {
			return fmt.Errorf("%s is there twice", name)
		}
		all[name] = v
	}
	return nil
}

// document is the whole file.
func (b *apiBook) document() (map[string]any, error) {
	paths := map[string]any{}
	for _, item := range b.Paths {
		for _, version := range item.Versions {
			path := "/" + version + "/{project_id}" + item.Path
			if version == "none" {
				path = item.Path
			}
			if err := b.addPath(paths, path, version, item); err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
		}
	}
	schemas, responses, parameters := map[string]any{}, maps.Clone(b.answers), map[string]any{}
	for name := range b.Schemas {
		schema, err := b.named(name)
		if err != nil {
			return nil, err
		}
		schemas[name] = schema
	}
	for name, r := range b.Responses {
		made, err := b.response(r.Description, r.Schema, "")
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		responses[name] = made
	}
	for in, all := range b.Parameters {
		for name, p := range all {
			schema, err := b.schema(p.Schema, "")
			if err != nil {
				return nil, fmt.Errorf("%s %s: %w", in, name, err)
			}
			parameters[in+"."+name] = compact(map[string]any{
				"name": name, "in": in, "required": in == "path", "description": p.Description, "schema": schema})
		}
	}
	doc := maps.Clone(b.Head)
	components, _ := doc["components"].(map[string]any)
	components = maps.Clone(components)
	maps.Copy(components, map[string]any{"schemas": schemas, "responses": responses, "parameters": parameters, "headers": b.Headers})
	doc["components"], doc["paths"] = components, paths
	return doc, nil
}

var pathParameter = regexp.MustCompile(`\{(\w+)\}`)

// addPath adds the calls of one path in one version.
func (b *apiBook) addPath(paths map[string]any, path, version string, item apiPath) error {
	made, _ := paths[path].(map[string]any)
	if made == nil {
		made = map[string]any{}
		var parameters []any
		for _, name := range pathParameter.FindAllStringSubmatch(path, -1) {
			if b.Parameters["path"][name[1]] == nil {
				return fmt.Errorf("its parameter %s is not described", name[1])
			}
			parameters = append(parameters, reference("parameters", "path."+name[1]))
		}
		if parameters != nil {
			made["parameters"] = parameters
		}
		paths[path] = made
	}
	for method, op := range map[string]*apiOperation{"get": item.Get, "post": item.Post, "put": item.Put, "delete": item.Delete} {
		if op == nil {
			continue
		}
		if made[method] != nil {
			return fmt.Errorf("%s is there twice", method)
		}
		call, err := b.operation(op, version, item.Family)
		if err != nil {
			return fmt.Errorf("%s: %w", method, err)
		}
		made[method] = call
	}
	return nil
}

func reference(kind, name string) map[string]any {
	return map[string]any{"$ref": "#/components/" + kind + "/" + name}
}

// compact drops what says nothing.
func compact(m map[string]any) map[string]any {
	maps.DeleteFunc(m, func(_ string, v any) bool { return v == "" || v == false || v == nil })
	return m
}
