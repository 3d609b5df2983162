package report

import (
	"encoding/json"
	"maps"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fly-placer/fly-placer/internal/plan"
)

func TestOutputs(t *testing.T) {
	worker := grown()
	worker.Name, worker.Changes = "worker", worker.Changes[:1]
	unknown := held(plan.NoSeries)
	changes := `[{"delta":2,"group":"web","ms":-74.2,"reason":"Serves 48% of the requests, mean 74 ms closer, for $12.10 a month.","region":"fra","share":0.48,"usd_compute":12.1,"usd_machines":12.1,"usd_transfer":0},` +
		`{"delta":-2,"group":"web","ms":1.1,"reason":"Its 19% of the requests are 6 ms further from iad; saves $13.40 a month.","region":"ord","share":0.19,"usd_compute":-13.4,"usd_machines":-13.4,"usd_transfer":0}]`
	nothing := map[string]string{"outcome": "failed", "has-changes": "false"}
	for _, test := range []struct {
		name   string
		plans  []plan.Plan
		errors []Problem
		want   map[string]string
	}{
		{"nothing to tell", nil, nil, map[string]string{}},
		{"the run failed", nil, []Problem{{Text: "bad input"}, {Text: "more of it"}}, nothing},
		{"the only app failed", nil, []Problem{{App: "shop", Text: "no such app"}, {App: "shop", Text: "nor metrics"}}, nothing},
		{"the only app failed, and the run", nil, []Problem{{Text: "x"}, {App: "shop", Text: "no such app"}}, nothing},
		{"all of several apps failed", nil, []Problem{{App: "shop", Text: "x"}, {App: "blog", Text: "y"}}, map[string]string{
			"outcome": `{"blog":"failed","shop":"failed"}`, "has-changes": `{"blog":false,"shop":false}`,
			"changes": `{"blog":[],"shop":[]}`, "regions": `{"blog":null,"shop":null}`, "digest": `{"blog":null,"shop":null}`,
			"latency-before-ms": `{"blog":null,"shop":null}`, "latency-after-ms": `{"blog":null,"shop":null}`,
			"monthly-cost-before": `{"blog":null,"shop":null}`, "monthly-cost-after": `{"blog":null,"shop":null}`,
		}},
		{"one of two apps failed", []plan.Plan{app("shop", plan.Planned, moved())}, []Problem{{App: "blog", Text: "x"}}, map[string]string{
			"outcome": `{"blog":"failed","shop":"planned"}`, "has-changes": `{"blog":false,"shop":true}`,
			"changes": `{"blog":[],"shop":` + changes + `}`, "digest": `{"blog":null,"shop":null}`, "regions": `{"blog":null,"shop":{"fra":2,"iad":2}}`,
			"latency-before-ms": `{"blog":null,"shop":66.8}`, "latency-after-ms": `{"blog":null,"shop":18.9}`,
			"monthly-cost-before": `{"blog":null,"shop":31.20}`, "monthly-cost-after": `{"blog":null,"shop":29.90}`,
		}},
		{"the run failed beside a plan", []plan.Plan{app("shop", plan.Planned, moved())}, []Problem{{Text: "no comment"}}, map[string]string{
			"outcome": "planned", "has-changes": "true", "changes": changes, "digest": "", "regions": `{"fra":2,"iad":2}`,
			"latency-before-ms": "66.8", "latency-after-ms": "18.9", "monthly-cost-before": "31.20", "monthly-cost-after": "29.90",
		}},
		{"one app", []plan.Plan{app("shop", plan.Planned, moved())}, nil, map[string]string{
			"outcome": "planned", "has-changes": "true", "changes": changes, "digest": "", "regions": `{"fra":2,"iad":2}`,
			"latency-before-ms": "66.8", "latency-after-ms": "18.9", "monthly-cost-before": "31.20", "monthly-cost-after": "29.90",
		}},
		{"several groups: by group, weighted by requests, summed", []plan.Plan{app("shop", plan.Planned, web(), worker)}, nil, map[string]string{
			"outcome": "planned", "has-changes": "true",
			"changes": `[{"delta":2,"group":"worker","ms":0,"reason":"71 requests in flight at the busiest hour need 5 Machines at 80% of the soft limit of 20.","region":"iad","share":0.56,"usd_compute":11.2,"usd_machines":11.2,"usd_transfer":0}]`,
			"digest":  "", "regions": `{"web":{"ams":2,"iad":3},"worker":{"ams":2,"iad":5}}`, "latency-before-ms": "31.4", "latency-after-ms": "31.4",
			"monthly-cost-before": "59.80", "monthly-cost-after": "71.00",
		}},
		{"no demand: no latency", []plan.Plan{app("shop", plan.Held, unknown)}, nil, map[string]string{
			"outcome": "held", "has-changes": "false", "changes": "[]", "digest": "", "regions": `{"ams":2,"iad":3}`,
			"latency-before-ms": "", "latency-after-ms": "", "monthly-cost-before": "29.90", "monthly-cost-after": "29.90",
		}},
		{"infeasible: nothing after", []plan.Plan{app("shop", plan.Infeasible, infeasible())}, nil, map[string]string{
			"outcome": "infeasible", "has-changes": "false", "changes": "[]", "digest": "", "regions": `{"ams":2,"iad":3}`,
			"latency-before-ms": "31.4", "latency-after-ms": "", "monthly-cost-before": "29.90", "monthly-cost-after": "",
		}},
		{"several apps: objects by app", []plan.Plan{app("blog", plan.Held, unknown), app("shop", plan.Planned, moved())}, nil, map[string]string{
			"outcome": `{"blog":"held","shop":"planned"}`, "has-changes": `{"blog":false,"shop":true}`,
			"changes": `{"blog":[],"shop":` + changes + `}`, "digest": `{"blog":null,"shop":null}`, "regions": `{"blog":{"ams":2,"iad":3},"shop":{"fra":2,"iad":2}}`,
			"latency-before-ms": `{"blog":null,"shop":66.8}`, "latency-after-ms": `{"blog":null,"shop":18.9}`,
			"monthly-cost-before": `{"blog":29.90,"shop":31.20}`, "monthly-cost-after": `{"blog":29.90,"shop":29.90}`,
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := Outputs(Report{Plans: test.plans, Errors: test.errors})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEveryOutputIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/outputs.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range outputs {
		if !strings.Contains(string(text), "| `"+o.name+"` |") {
			t.Errorf("docs/outputs.md has no row for %s", o.name)
		}
	}
}

func TestFigureThatIsNoNumberIsAnError(t *testing.T) {
	g := moved()
	g.Changes[0].MS = math.NaN()
	p := app("shop", plan.Planned, g)
	if _, err := JSON(p); err == nil || !strings.Contains(err.Error(), `"shop"`) {
		t.Errorf("JSON: error %v, want one that names the app", err)
	}
	if _, err := Outputs(run(p)); err == nil || !strings.Contains(err.Error(), "changes") {
		t.Errorf("Outputs: error %v, want one that names the output", err)
	}
}

// Every plan of the goldens is as schema/plan.schema.json says, and every key
// of the schema is used by some plan.
func TestPlansMatchTheSchema(t *testing.T) {
	data, err := os.ReadFile("../../schema/plan.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	c := checker{t: t, used: map[string]bool{}}
	if err := json.Unmarshal(data, &c.root); err != nil {
		t.Fatal(err)
	}
	examples := reports()
	for _, reason := range holdReasons {
		examples["held "+string(reason)] = run(app("shop", plan.Held, held(reason)))
	}
	for name, r := range examples {
		for _, p := range r.Plans {
			if name == "hostile" {
				continue // its reasons are none
			}
			js, err := JSON(p)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(js, jsonTwice(t, js)) || js[len(js)-1] != '\n' {
				t.Errorf("%s: keys are not in order, or the end of line is missing", name)
			}
			var v any
			if err := json.Unmarshal(js, &v); err != nil {
				t.Fatal(err)
			}
			c.check(name, c.root, v)
		}
	}
	c.unused("#", c.root)
}

func jsonTwice(t *testing.T, js []byte) []byte {
	t.Helper()
	var v any
	if err := json.Unmarshal(js, &v); err != nil {
		t.Fatal(err)
	}
	again, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(again, '\n')
}

// A checker checks values against the part of JSON Schema that the schema uses;
// any other keyword fails the test.
type checker struct {
	t    *testing.T
	root map[string]any
	used map[string]bool
}

func (c *checker) resolve(schema map[string]any) map[string]any {
	ref, ok := schema["$ref"].(string)
	if !ok {
		return schema
	}
	return c.root["$defs"].(map[string]any)[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)
}

func (c *checker) check(at string, schema map[string]any, v any) {
	c.t.Helper()
	schema = c.resolve(schema)
	fail := func(format string, args ...any) { c.t.Helper(); c.t.Errorf(at+": "+format, args...) }
	for keyword, arg := range schema {
		switch keyword {
		case "$schema", "$defs", "title", "description", "properties", "additionalProperties", "format":
		case "type":
			if !hasType(v, arg.(string)) {
				fail("%v is no %s", v, arg)
			}
		case "const":
			if v != arg {
				fail("%v is not %v", v, arg)
			}
		case "enum":
			if !slices.Contains(arg.([]any), v) {
				fail("%v is none of %v", v, arg)
			}
		case "pattern":
			if !regexp.MustCompile(arg.(string)).MatchString(v.(string)) {
				fail("%v does not match %v", v, arg)
			}
		case "minimum":
			if v.(float64) < arg.(float64) {
				fail("%v is less than %v", v, arg)
			}
		case "required":
			for _, key := range arg.([]any) {
				if _, ok := v.(map[string]any)[key.(string)]; !ok {
					fail("%s is missing", key)
				}
			}
		case "items":
			for _, item := range v.([]any) {
				c.check(at+"[]", arg.(map[string]any), item)
			}
		default:
			fail("the checker does not know the keyword %s", keyword)
		}
	}
	object, _ := v.(map[string]any)
	properties, _ := schema["properties"].(map[string]any)
	for _, key := range slices.Sorted(maps.Keys(object)) {
		if sub, ok := properties[key].(map[string]any); ok {
			c.used[key] = true
			c.check(at+"."+key, sub, object[key])
		} else if sub, ok := schema["additionalProperties"].(map[string]any); ok {
			c.check(at+"."+key, sub, object[key])
		} else {
			fail("the key %s is not in the schema", key)
		}
	}
}

func (c *checker) unused(at string, schema map[string]any) {
	if properties, ok := schema["properties"].(map[string]any); ok {
		for key := range properties {
			if !c.used[key] {
				c.t.Errorf("%s: no plan uses the key %s", at, key)
			}
		}
	}
	if defs, ok := schema["$defs"].(map[string]any); ok {
		for name, def := range defs {
			c.unused(name, def.(map[string]any))
		}
	}
}

func hasType(v any, name string) bool {
	switch x := v.(type) {
	case string:
		return name == "string"
	case float64:
		return name == "number" || name == "integer" && x == math.Trunc(x)
	case bool:
		return name == "boolean"
	case []any:
		return name == "array"
	case map[string]any:
		return name == "object"
	}
	return false
}
