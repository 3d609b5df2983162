package promapi

import (
	"strings"
	"testing"
	"time"
)

func TestQueriesReadAsDocumented(t *testing.T) {
	apps := []string{"api-2", "shop"}
	for got, want := range map[string]string{
		trafficQuery("shop", "", "5m"):               `sum by (region) (increase(fly_edge_http_responses_count{app="shop"}[5m]))`,
		responsesQuery(apps, `2..|"\d`):              `sum by (app, region) (increase(fly_edge_http_responses_count{app=~"api-2|shop",status=~"2..|\"\\d"}[1h]))`,
		servedQuery(apps):                            `sum by (app) (increase(fly_app_http_responses_count{app=~"api-2|shop"}[1h]))`,
		concurrencyQuery("avg", apps[:1]):            `avg_over_time(sum by (app) (max by (app, instance) (fly_app_concurrency{app="api-2"}))[1h:1m])`,
		concurrencyQuery("max", apps):                `max_over_time(sum by (app) (max by (app, instance) (fly_app_concurrency{app=~"api-2|shop"}))[1h:1m])`,
		runningQuery(apps[:1], "168h"):               `sum_over_time(max by (app, instance) (fly_instance_up{app="api-2"})[168h:1m])`,
		regionQuery(edgeBytes, apps, "168h"):         `sum by (app, region) (increase(fly_edge_data_out{app=~"api-2|shop"}[168h]))`,
		regionQuery(appTime+"_sum", apps[:1], "24h"): `sum by (app, region) (increase(fly_app_http_response_time_seconds_sum{app="api-2"}[24h]))`,
		servedByQuery(apps[:1], "168h"):              `sum by (app, instance) (increase(fly_app_http_responses_count{app="api-2"}[168h]))`,
		knownQuery(apps[:1], "24h"):                  `count by (app) (last_over_time({__name__=~"fly_edge_http_responses_count|fly_app_concurrency|fly_instance_up",app="api-2"}[24h]))`,
		orgQuery("1h"):                               `count(last_over_time(fly_instance_up[1h]))`,
		newestQuery(apps[:1], "10100m"): `max(tlast_over_time(fly_instance_up[10100m]), ` +
			`tlast_over_time({__name__=~"fly_edge_http_responses_count|fly_app_concurrency",app="api-2"}[10100m]))`,
		promDuration(90 * time.Second):         "90s",
		promDuration(7 * 24 * time.Hour):       "168h",
		promDuration(90500 * time.Millisecond): "90500ms",
	} {
		if got != want {
			t.Errorf("built %s\nwant  %s", got, want)
		}
	}
}

var (
	instantAsked = query{op: "x"}
	rangeAsked   = query{op: "x", start: time.Unix(3600, 0), end: time.Unix(7200, 0), step: time.Hour}
)

func TestAnswersAreReadStrictly(t *testing.T) {
	vector := func(result string) string {
		return `{"status":"success","data":{"resultType":"vector","result":[` + result + `]}}`
	}
	matrix := func(result string) string {
		return `{"status":"success","data":{"resultType":"matrix","result":[` + result + `]}}`
	}
	for _, c := range []struct {
		name, body string
		asked      query
		want       Kind
	}{
		{"an empty vector", vector(""), instantAsked, ""},
		{"a vector", vector(`{"metric":{"region":"ams"},"value":[1689867197,"21"]}`), instantAsked, ""},
		{"NaN", vector(`{"metric":{},"value":[1689867197.5,"NaN"]}`), instantAsked, ""},
		{"keys that are not known", `{"status":"success","isPartial":false,"stats":{"a":1},"data":{"resultType":"vector","result":[]}}`, instantAsked, ""},
		{"a matrix", matrix(`{"metric":{},"values":[[3600,"1"],[7200,"+Inf"]]}`), rangeAsked, ""},
		{"no value", vector(`{"metric":{}}`), instantAsked, Malformed},
		{"a null series", vector(`null`), instantAsked, Malformed},
		{"half a pair", vector(`{"metric":{},"value":[1]}`), instantAsked, Malformed},
		{"a pair of three", vector(`{"metric":{},"value":[1,"2",3]}`), instantAsked, Malformed},
		{"a bare number", vector(`{"metric":{},"value":[1,2]}`), instantAsked, Malformed},
		{"a word", vector(`{"metric":{},"value":[1,"two"]}`), instantAsked, Malformed},
		{"the same series twice", vector(`{"metric":{"a":"b"},"value":[1,"2"]},{"metric":{"a":"b"},"value":[1,"2"]}`), instantAsked, Malformed},
		{"a scalar", `{"status":"success","data":{"resultType":"scalar","result":[1,"2"]}}`, instantAsked, Malformed},
		{"no data", `{"status":"success"}`, instantAsked, Malformed},
		{"a time between the steps", matrix(`{"metric":{},"values":[[3601,"1"]]}`), rangeAsked, Malformed},
		{"a time after the end", matrix(`{"metric":{},"values":[[10800,"1"]]}`), rangeAsked, Malformed},
		{"a time before the start", matrix(`{"metric":{},"values":[[0,"1"]]}`), rangeAsked, Malformed},
		{"two answers", vector("") + vector(""), instantAsked, Malformed},
		{"half an answer", vector(`{"metric":{},"value":[1,"2"]}`)[:70], instantAsked, Truncated},
		{"nothing", " \n", instantAsked, Truncated},
		{"HTML", "\ufeff <html>", instantAsked, NotJSON},
		{"words", "upstream connect error", instantAsked, NotJSON},
		{"an error", `{"status":"error","errorType":"422","error":"missing query arg"}`, instantAsked, Failed},
		{"another object", `{"ok":true}`, instantAsked, Malformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, kind, text := decode([]byte(c.body), c.asked)
			if kind != c.want || (a == nil) != (kind != "") {
				t.Errorf("kind %q (%s), answer %v; want kind %q", kind, text, a, c.want)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(`{"status":"success","isPartial":true,"warnings":["w"],"data":{"resultType":"vector","result":[{"metric":{"region":"ams"},"value":[1689867197,"21"]}]}}`, true)
	f.Add(`{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"region":"ams"},"values":[[3600,"1"],[7200,"NaN"]]}]}}`, false)
	f.Add(`{"status":"error","errorType":"422","error":"missing query arg"}`, true)
	f.Add(`<html><title>x</title>`, true)
	f.Add(`{"status":"success","data":{"resultType":"vector","result":[null]}}`, true)
	f.Fuzz(func(t *testing.T, body string, instant bool) {
		asked := rangeAsked
		if instant {
			asked = instantAsked
		}
		a, kind, text := decode([]byte(body), asked)
		if (a == nil) != (kind != "") {
			t.Fatalf("answer %v with kind %q: want one of them", a, kind)
		}
		if shown := excerpt(text); len([]rune(shown)) > excerptLimit || strings.ContainsAny(shown, "\n\r\x1b") {
			t.Fatalf("excerpt %q", shown)
		}
		if a == nil {
			return
		}
		for _, s := range a.series {
			if instant && len(s.samples) != 1 {
				t.Fatalf("%d samples in a vector", len(s.samples))
			}
			for _, p := range s.samples {
				if i := (p.at.Unix() - 3600) / 3600; !instant && (i < 0 || i > 1) {
					t.Fatalf("sample at %s", p.at)
				}
			}
		}
	})
}
