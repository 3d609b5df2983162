package config_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/fly-placer/fly-placer/internal/hint"
)

// People put a token where a name belongs. Nobody told the program that it is
// one, so only its look gives it away.
func TestGitHubTokensInWrongPlacesAreNotShown(t *testing.T) {
	const secretPart = "16C7e42F292c6912E7710c838347Ae178B4a"
	places := map[string]func(token string) error{
		"a flag": func(token string) error {
			_, err := load([]string{"plan", "--app", token}, ready(), "")
			return err
		},
		"a list": func(token string) error {
			_, err := load([]string{"plan", "--require-regions", "iad," + token}, ready(), "")
			return err
		},
		"an input": func(token string) error {
			_, err := load(nil, ready("INPUT_WINDOW="+token), "")
			return err
		},
		"an argument": func(token string) error {
			_, err := load([]string{"plan", token}, ready(), "")
			return err
		},
		"the policy's value": func(token string) error {
			_, err := load([]string{"plan"}, ready(), "defaults:\n  max-regions: "+token+"\n")
			return err
		},
		"the policy's key": func(token string) error {
			_, err := load([]string{"plan"}, ready(), "defaults:\n  "+token+": 1\n")
			return err
		},
	}
	for place, put := range places {
		for _, prefix := range []string{"ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_11A_"} {
			t.Run(prefix+" as "+place, func(t *testing.T) {
				wrong := usage(t, put(prefix+secretPart))
				shown := append(hint.Of(wrong), wrong.Error())
				for _, p := range wrong.Problems {
					shown = append(shown, p.Where, p.Text)
				}
				if slices.ContainsFunc(shown, func(s string) bool { return strings.Contains(s, secretPart[:12]) }) {
					t.Errorf("the token is shown: %q", shown)
				}
				if !strings.Contains(wrong.Error(), "[redacted]") {
					t.Errorf("nothing says that a token was there: %v", wrong)
				}
			})
		}
	}
}
