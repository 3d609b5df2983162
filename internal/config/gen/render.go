package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/fly-placer/fly-placer/internal/config"
)

const schemaID = "https://raw.githubusercontent.com/fly-placer/fly-placer/main/schema/policy.schema.json"

func actionYML() string {
	var b strings.Builder
	b.WriteString(`# Written by go generate ./internal/config from the option table; edit it there.
name: Fly Placer
description: Plans the Fly.io regions and Machine counts that serve your traffic best, proposes them in a pull request, and applies what was merged
author: fly-placer
branding:
  icon: map-pin
  color: purple
inputs:
`)
	for _, o := range config.Options() {
		if !o.Input() {
			continue
		}
		fmt.Fprintf(&b, "  %s:\n    description: %s\n    required: false\n", o.Name, yamlString(plainHelp(o)))
		if o.ActionDefault != "" {
			fmt.Fprintf(&b, "    default: %s\n", o.ActionDefault)
		}
	}
	b.WriteString("outputs:\n")
	for _, o := range config.Outputs() {
		fmt.Fprintf(&b, "  %s:\n    description: %s\n", o.Name, yamlString(strings.ReplaceAll(o.Help, "`", "")))
	}
	b.WriteString("runs:\n  using: docker\n  image: Dockerfile\n")
	return b.String()
}

// yamlString quotes for YAML; only the quote itself needs care there.
func yamlString(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// plainHelp is an option's help with its default, without Markdown. The runner
// evaluates expressions wherever they stand in action.yml, and fails on them in
// a description, so none is repeated here.
func plainHelp(o config.Option) string {
	text := o.Help + "."
	if d := defaultText(o); d != "" && o.ActionDefault == "" {
		text += " Default: " + d + "."
	}
	return strings.ReplaceAll(text, "`", "")
}

// defaultText says in Markdown what holds when the option is not set.
func defaultText(o config.Option) string {
	var parts []string
	if o.Env != "" {
		parts = append(parts, "the variable `"+o.Env+"`")
	}
	switch {
	case o.ActionDefault != "":
		return "`" + o.ActionDefault + "`"
	case o.Default != "":
		parts = append(parts, "`"+o.Default+"`")
	case o.DefaultNote != "":
		parts = append(parts, o.DefaultNote)
	}
	return strings.Join(parts, ", else ")
}

// optionTables lists the inputs of the action, a table for each group.
func optionTables() string {
	return tables(func(o config.Option) bool { return o.Input() })
}

// keyTables lists the keys of the policy file, a table for each group.
func keyTables() string {
	return tables(func(o config.Option) bool { return o.Place != config.Nowhere })
}

func tables(include func(config.Option) bool) string {
	var b strings.Builder
	for _, group := range config.Groups() {
		title := "\n**" + group + "**\n\n| option | default | meaning |\n|---|---|---|\n"
		for _, o := range config.Options() {
			if o.Group != group || !include(o) {
				continue
			}
			b.WriteString(title)
			title = ""
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", o.Name, cell(defaultText(o)), cell(meaning(o)))
		}
	}
	return b.String() + "\n"
}

// meaning is an option's help, its values or an example, and where it may stand.
func meaning(o config.Option) string {
	text := o.Help + "."
	switch {
	case len(o.Values) > 0:
		text += " One of `" + strings.Join(o.Values, "`, `") + "`."
		if o.Kind() == config.Choices {
			text = strings.Replace(text, "One of", "One or more of", 1)
		}
	case o.Example != "":
		text += " Example: `" + o.Example + "`."
	}
	if o.Place == config.Defaults {
		text += " In the policy file under `defaults:` only."
	}
	return text
}

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

func outputTable() string {
	var b strings.Builder
	b.WriteString("\n| output | meaning |\n|---|---|\n")
	for _, o := range config.Outputs() {
		fmt.Fprintf(&b, "| `%s` | %s. |\n", o.Name, cell(o.Help))
	}
	return b.String() + "\nWith several apps, what is said of one app is a JSON object by app.\n\n"
}

type object = map[string]any

// schemaJSON is the JSON Schema of the policy file (draft 2020-12).
func schemaJSON() (string, error) {
	var app config.Option
	for _, o := range config.Options() {
		if o.Name == "app" {
			app = o
		}
	}
	root := object{
		"$schema":              "https://json-schema.org/draft/2020-12/schema",
		"$id":                  schemaID,
		"title":                "Policy file of Fly Placer",
		"description":          "What a team wants for its apps: .github/fly-placer.yml",
		"type":                 []string{"object", "null"},
		"additionalProperties": false,
		"properties": object{
			"version":  object{"const": 1, "description": "Version of the file's form."},
			"defaults": optionsSchema("What holds for every app.", config.Defaults),
			"apps": object{
				"description": "What holds for one app, by its name; comes before defaults.",
				"type":        []string{"object", "null"}, "propertyNames": object{"pattern": app.Pattern},
				"additionalProperties": optionsSchema("What holds for this app.", config.Apps),
			},
		},
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(root); err != nil {
		return "", fmt.Errorf("encode the schema: %w", err)
	}
	return b.String(), nil
}

func optionsSchema(description string, place config.Place) object {
	properties := object{}
	for _, o := range config.Options() {
		if o.Place < place || o.Place == config.Nowhere {
			continue
		}
		s := valueSchema(o)
		s["description"] = plainHelp(o)
		properties[o.Name] = s
	}
	return object{
		"description": description, "type": []string{"object", "null"},
		"additionalProperties": false, "properties": properties,
	}
}

// valueSchema states what a value in the file looks like. It is an aid for
// editors: what is allowed is decided when the file is read.
func valueSchema(o config.Option) object {
	words := object{"type": "string"}
	list := func(item object) object {
		return object{"anyOf": []object{words, {"type": "array", "items": item}}}
	}
	amount := object{"type": "number", "maximum": o.Max}
	if o.MinOpen {
		amount["exclusiveMinimum"] = o.Min
	} else {
		amount["minimum"] = o.Min
	}
	const (
		money = `^\$?[0-9]+(\.[0-9]+)?$`
		share = `^[0-9]+(\.[0-9]+)? ?%$`
	)
	switch o.Kind() {
	case config.Names:
		return list(object{"type": "string", "pattern": o.Pattern})
	case config.Text:
		return object{"type": "string", "pattern": o.Pattern}
	case config.Choice:
		return object{"enum": slices.Clone(o.Values)}
	case config.Choices:
		return list(object{"enum": slices.Clone(o.Values)})
	case config.Bool:
		return object{"type": "boolean"}
	case config.Integer:
		return object{"type": "integer", "minimum": o.Min, "maximum": o.Max}
	case config.Fraction:
		return object{"anyOf": []object{amount, {"type": "string", "pattern": share}}}
	case config.USD:
		return object{"anyOf": []object{amount, {"type": "string", "pattern": money}}}
	case config.Percent:
		return object{"anyOf": []object{{"const": 0}, {"type": "string", "pattern": share}}}
	case config.Share:
		return object{"anyOf": []object{amount, {"type": "string", "pattern": money}, {"type": "string", "pattern": share}}}
	case config.Duration:
		return object{"type": "string", "pattern": `^([0-9]+(\.[0-9]+)?(ms|s|m|h|d|w))+$`}
	case config.Regexp:
		return object{"type": []string{"string", "integer"}}
	case config.Regions:
		return list(words)
	case config.Counts:
		return object{"anyOf": []object{words, {
			"type":                 "object",
			"additionalProperties": object{"type": "integer", "minimum": o.Min, "maximum": o.Max},
		}}}
	case config.Region, config.Path, config.URL, config.Secret:
	}
	return words
}
