package httpx

import (
	"fmt"
	"net/url"
)

// Path is the path of a request: its parts, fixed words and IDs, each escaped. An ID
// that would lead elsewhere, or is empty, is an error.
func Path(parts ...string) (string, error) {
	path := ""
	for _, p := range parts {
		if p == "" || p == "." || p == ".." {
			return "", fmt.Errorf("%q is not an ID", p)
		}
		path += "/" + url.PathEscape(p)
	}
	return path, nil
}
