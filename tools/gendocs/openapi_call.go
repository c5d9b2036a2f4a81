package main

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// operation words a call of one version.
func (b *apiBook) operation(op *apiOperation, version, family string) (map[string]any, error) {
	if op.ID == "" || op.Summary == "" || op.Source == "" {
		return nil, fmt.Errorf("id, summary and source are needed")
	}
	made := compact(map[string]any{
		"operationId": strings.ReplaceAll(op.ID, ".", "_") + "_" + strings.ReplaceAll(version, ".", ""),
		"summary":     op.Summary, "description": op.Description, "x-source": op.Source, "deprecated": op.Deprecated, "x-refused": op.Refused,
	})
	if op.Public {
		made["security"] = []any{}
	}
	headers := op.Headers
	if version == "v3" && family == "cinder" {
		headers = append(slices.Clone(headers), "OpenStack-API-Version")
	}
	var parameters []any
	for _, name := range op.Query {
		parameters = append(parameters, reference("parameters", "query."+name))
	}
	for _, name := range headers {
		parameters = append(parameters, reference("parameters", "header."+name))
	}
	if parameters != nil {
		made["parameters"] = parameters
	}
	answers, err := b.bodies(op, made, version)
	if err != nil {
		return nil, err
	}
	responses := map[string]any{}
	for status, schema := range answers {
		if responses[status], err = b.response(statusWords(status), schema, version); err != nil {
			return nil, err
		}
	}
	faults := b.Faults[family]
	if faults == nil {
		return nil, fmt.Errorf("there is no family %q of faults", family)
	}
	for status, name := range faults {
		responses[status] = reference("responses", name)
	}
	made["responses"] = responses
	return made, nil
}

// bodies words the requests of a call, or of each of its actions, and tells what
// is answered by status. The answer of an action is a response of its own, which
// x-actions names.
func (b *apiBook) bodies(op *apiOperation, made map[string]any, version string) (map[string]any, error) {
	if op.Actions == nil {
		return op.Answers, b.addRequest(made, op.Request, version)
	}
	answers, actions, given := map[string]any{}, map[string]any{}, map[string][]any{}
	var requests []any
	for _, name := range slices.Sorted(maps.Keys(op.Actions)) {
		action := op.Actions[name]
		told := map[string]any{}
		for status, answer := range action.Answers {
			response, err := b.response(statusWords(status), answer, version)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			as := fmt.Sprintf("%s.%s.%s", made["operationId"], name, status)
			b.answers[as], told[status] = response, as
			answers[status] = nil
			if answer != nil {
				given[status] = append(given[status], fields(answer))
			}
		}
		actions[name] = compact(map[string]any{"summary": action.Summary, "description": action.Description, "deprecated": action.Deprecated, "answers": told})
		requests = append(requests, fields(action.Request))
	}
	for status, all := range given {
		if answers[status] = all[0]; len(all) > 1 {
			answers[status] = map[string]any{"oneOf": all}
		}
	}
	made["x-actions"] = actions
	return answers, b.addRequest(made, map[string]any{"oneOf": requests}, version)
}

func (b *apiBook) addRequest(made map[string]any, request any, version string) error {
	if request == nil {
		return nil
	}
	schema, err := b.schema(fields(request), version)
	if err != nil {
		return fmt.Errorf("request: %w", err)
	}
	made["requestBody"] = map[string]any{"required": true, "content": map[string]any{"application/json": map[string]any{"schema": schema}}}
	return nil
}

// response words an answer; a nil schema is an empty body.
func (b *apiBook) response(description string, schema any, version string) (map[string]any, error) {
	headers := map[string]any{}
	for name := range b.Headers {
		headers[name] = reference("headers", name)
	}
	made := map[string]any{"description": description, "headers": headers}
	if schema == nil {
		return made, nil
	}
	worded, err := b.schema(fields(schema), version)
	if err != nil {
		return nil, err
	}
	made["content"] = map[string]any{"application/json": map[string]any{"schema": worded}}
	return made, nil
}

func statusWords(status string) string {
	n, _ := strconv.Atoi(status)
	return http.StatusText(n)
}

// fields is a body that is written as its members alone.
func fields(body any) any {
	m, is := body.(map[string]any)
	if !is {
		return body
	}
	for _, key := range []string{"fields", "type", "$ref", "oneOf", "allOf", "anyOf", "enum"} {
		if _, whole := m[key]; whole {
			return body
		}
	}
	return map[string]any{"fields": m}
}
