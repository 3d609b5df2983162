//go:build e2e

package e2e

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/ghapi"
	"github.com/fly-placer/fly-placer/internal/sim/ghsim"
)

// What the GitHub client sends on the way from a proposal to its merge, and what
// it refuses, is what GitHub's own description says; so is what it is answered.
func TestProposalsKeepToTheContract(t *testing.T) {
	for _, prefix := range []string{"", "/api/v3"} {
		gitHub := ghsim.New(ghsim.Config{Repo: repository, Branch: "master", Pulls: []int{-1}})
		gitHub.AddFile("README.md", []byte("Hello World\n"))
		contract := *gitHubContract(t)
		contract.prefix = prefix
		contract.apart = append(slices.Clone(contract.apart), "POST /api/graphql")
		front := watch(t, gitHub, contract.judge)
		client, err := ghapi.New(ghapi.Options{
			APIURL: front.url + prefix, Token: gitHubToken,
			Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
		})
		if err != nil {
			t.Fatal(err)
		}
		propose := func(data, operation string, files ...ghapi.ProposalFile) ghapi.Proposal {
			t.Helper()
			file := ghapi.ProposalFile{Path: ".fly-placer/shop.yml"}
			if data != "" {
				file.Data = []byte(data)
			}
			p, err := client.Propose(t.Context(), ghapi.ProposalRequest{
				Repo: repository, Branch: "fly-placer/placement", Files: append(files, file),
				Title: "Place shop", Message: "Place shop\n\nFly-Placer: shop", Closing: "Nothing is left to propose.",
				Body: func(string) string { return "decided " + data }, Labels: []string{"placement"}, Reviewers: []string{"alice"},
			})
			if err != nil || p.Operation != operation {
				t.Fatalf("propose %q: %+v, %v, want %s", data, p, err, operation)
			}
			return p
		}
		first := propose("ams: 2\n", "created")
		propose("ams: 2\n", "unchanged")
		propose("ams: 3\n", "updated")
		propose("", "closed")
		second := propose("ams: 4\n", "created", ghapi.ProposalFile{Path: "README.md"})
		gitHub.Commit("alice", "fly-placer/placement", "I know better", map[string][]byte{".fly-placer/shop.yml": []byte("ams: 9\n")})
		if p := propose("ams: 5\n", "none"); len(p.Touched) != 1 {
			t.Errorf("a branch of others: %+v", p)
		}
		if err := gitHub.Review(second.Number, "alice", "APPROVED"); err != nil {
			t.Fatal(err)
		}
		push, err := gitHub.Merge(second.Number, "alice", "squash")
		if err != nil {
			t.Fatal(err)
		}
		readBack(t, client, push, first.Number, second.Number)
		if n := len(front.seen()); n < 60 {
			t.Errorf("only %d requests were judged", n)
		}
	}
}

// readBack asks what an apply after the merge asks.
func readBack(t *testing.T, client *ghapi.Client, push ghsim.Push, first, second int) {
	t.Helper()
	ctx := t.Context()
	pulls, err := client.PullsOfCommit(ctx, repository, push.After)
	if err != nil || len(pulls) != 1 || pulls[0].Number != second || !pulls[0].Merged {
		t.Errorf("the merged pull request: %+v, %v", pulls, err)
	}
	if approvals, err := client.Approvals(ctx, repository, second); err != nil || len(approvals) != 1 || approvals[0].Login != "alice" {
		t.Errorf("approvals: %v, %v", approvals, err)
	}
	if files, err := client.PullFiles(ctx, repository, second); err != nil || !slices.Equal(files, []string{".fly-placer/shop.yml"}) {
		t.Errorf("files: %v, %v", files, err)
	}
	if rejected, err := client.Rejected(ctx, repository, "fly-placer/placement"); err != nil || len(rejected) != 1 || rejected[0].Number != first {
		t.Errorf("rejected: %+v, %v", rejected, err)
	}
	versions, err := client.Versions(ctx, repository, push.After, ".fly-placer/shop.yml", 10)
	if err != nil || len(versions) != 1 || string(versions[0].Data) != "ams: 9\n" {
		t.Errorf("versions: %+v, %v", versions, err)
	}
	closing := func(body string) bool { return strings.Contains(body, "Nothing is left") }
	if bodies, err := client.OwnComments(ctx, repository, first, closing); err != nil || len(bodies) != 1 {
		t.Errorf("own comments: %q, %v", bodies, err)
	}
	if _, err := client.Pull(ctx, repository, 99); !errors.Is(err, ghapi.ErrNotFound) {
		t.Errorf("no pull request: %v", err)
	}
}
