package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"gopkg.in/yaml.v3"
)

// The schema is for editors: it must take what the program takes, and mark
// what is plainly wrong.
func TestSchema(t *testing.T) {
	text, err := schemaJSON()
	if err != nil {
		t.Fatal(err)
	}
	var schema openapi3.Schema
	if err := json.Unmarshal([]byte(text), &schema); err != nil {
		t.Fatal(err)
	}
	check := func(file string) error {
		var value any
		if err := yaml.Unmarshal([]byte(file), &value); err != nil {
			t.Fatal(err)
		}
		return schema.VisitJSON(value, openapi3.EnableJSONSchema2020())
	}
	example, err := os.ReadFile("../../../docs/examples/policy.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, good := range []string{
		string(example), "defaults: {min-in-region: iad=4}", "defaults: {change-cost: $5, fail-on: [error, changes]}",
		"apps: {shop: {max-cost-increase: 5 %, window: 1d12h, status: 404}}", "defaults:\napps:\n",
		"defaults: {max-cost-increase: 0, target-utilization: 80%, min-requests: 50}", "defaults: {target-utilization: 0.8}",
	} {
		if err := check(good); err != nil {
			t.Errorf("refuses %q: %v", good, err)
		}
	}
	for _, bad := range []string{
		"version: 2", "default: {}", "defaults: {max-region: 2}", "defaults: {min-regions: 0}", "defaults: {survive: all}",
		"defaults: {fly-api-token: x}", "apps: {shop: {log-format: json}}", "apps: {Shop: {}}", "defaults: {max-cost-increase: 25}",
		"defaults: {window: 7}", "defaults: {allow-litefs: maybe}", "defaults: {target-utilization: 0}", "defaults: {min-requests: 0.5}", "defaults: {min-in-region: {iad: 0}}",
	} {
		if err := check(bad); err == nil {
			t.Errorf("takes %q", bad)
		} else if strings.Contains(err.Error(), "panic") {
			t.Error(err)
		}
	}
}
