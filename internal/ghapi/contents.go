package ghapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/go-github/v89/github"
)

// maxFile bounds a file that is read through the API: policies are small.
const maxFile = 16 << 20

// ReadFile reads a file of the repository at a ref (branch, tag or commit; empty:
// the default branch) through the Contents API. found is false only when it is
// certain that there is no such file: GitHub also answers 404 for a repository, a
// ref or contents that the token may not see, so the directory at the root is read
// as a witness before a 404 is believed.
//
// A directory, a submodule and a symbolic link are errors. (GitHub itself follows
// a link whose target is a file of the same repository, and doesn't say so.)
func (c *Client) ReadFile(ctx context.Context, repo, path, ref string) (data []byte, found bool, err error) {
	data, found, err = c.readFile(ctx, repo, path, ref)
	if err != nil {
		return nil, false, fmt.Errorf("read %s of %s at %s: %w", path, repo, nameOfRef(ref), err)
	}
	return data, found, nil
}

func nameOfRef(ref string) string {
	if ref == "" {
		return "the default branch"
	}
	return ref
}

func (c *Client) readFile(ctx context.Context, repo, path, ref string) ([]byte, bool, error) {
	owner, name, err := splitRepo(repo)
	if !fs.ValidPath(path) || path == "." {
		err = errors.Join(err, fmt.Errorf("path %q: want one from the root of the repository, without . and .. in it", path))
	}
	if err != nil {
		return nil, false, err
	}
	ctx, cancel := context.WithTimeout(ctx, operationLimit)
	defer cancel()
	p := c.patience()
	r := reader{c: c, p: p, owner: owner, name: name, ref: ref}
	file, dir, e := r.get(ctx, path)
	switch {
	case e.is(ErrNotFound):
		return nil, false, r.witness(ctx)
	case e != nil:
		return nil, false, withHint(e)
	case dir:
		return nil, false, errors.New("it is a directory")
	case file.GetType() != "file":
		return nil, false, fmt.Errorf("it is a %s, not a file", c.clean(file.GetType()))
	case file.GetSize() > maxFile:
		return nil, false, fmt.Errorf("it has %d bytes; at most %d are read", file.GetSize(), maxFile)
	case file.GetEncoding() == "none": // more than 1 MiB: only the raw media type has the content
		data, e := r.raw(ctx, path)
		if e != nil {
			return nil, false, withHint(e)
		}
		return data, true, checkSize(data, file.GetSize())
	}
	text, err := file.GetContent()
	if err != nil {
		return nil, false, fmt.Errorf("decode its content: %s", c.clean(err.Error()))
	}
	return []byte(text), true, checkSize([]byte(text), file.GetSize())
}

func checkSize(data []byte, size int) error {
	if len(data) != size {
		return fmt.Errorf("GitHub sent %d of %d bytes", len(data), size)
	}
	return nil
}

type reader struct {
	c           *Client
	p           *patience
	owner, name string
	ref         string
}

func (r reader) call(path string) call {
	return call{http.MethodGet, fmt.Sprintf("/repos/%s/%s/contents/%s", r.owner, r.name, path)}
}

func (r reader) get(ctx context.Context, path string) (file *github.RepositoryContent, dir bool, e *Error) {
	e = r.p.read(ctx, r.call(path), func(ctx context.Context) error {
		f, list, _, err := r.c.gh.Repositories.GetContents(ctx, r.owner, r.name, path, &github.RepositoryContentGetOptions{Ref: r.ref})
		if err == nil && f == nil && list == nil {
			err = errEmpty
		}
		file, dir = f, list != nil
		return err
	})
	return file, dir, e
}

// witness returns nil if the root of the repository can be read at the ref.
func (r reader) witness(ctx context.Context) error {
	_, dir, e := r.get(ctx, "")
	if e != nil {
		return withHint(e)
	}
	if !dir {
		return errors.New("GitHub does not list the root of the repository")
	}
	return nil
}

func (r reader) raw(ctx context.Context, path string) ([]byte, *Error) {
	var out bytes.Buffer
	e := r.p.read(ctx, r.call(path), func(ctx context.Context) error {
		out.Reset()
		address := fmt.Sprintf("repos/%s/%s/contents/%s", r.owner, r.name, strings.TrimPrefix((&url.URL{Path: path}).String(), "./"))
		if r.ref != "" {
			address += "?ref=" + url.QueryEscape(r.ref)
		}
		req, err := r.c.gh.NewRequest(ctx, http.MethodGet, address, nil)
		if err != nil {
			return err
		}
		req.Header.Set("Accept", "application/vnd.github.raw+json")
		_, err = r.c.gh.Do(req, &out)
		return err
	})
	return out.Bytes(), e
}
