package main

import (
	"fmt"
	"io"

	"github.com/evalrun/evalrun/reporter"
)

// chat writes a message for a team's channel: the verdict, and each case that went
// wrong with its reasons. What comes from cases, apps and evaluators goes through
// reporter.Terminal, which makes what can't be seen visible.
func chat(w io.Writer, d reporter.Data) error {
	r := d.Report
	if _, err := fmt.Fprintf(w, "%s: %s, %d cases\n", reporter.Terminal(r.Suite), r.Verdict, r.Cases.Planned); err != nil {
		return err
	}
	for result, err := range d.Results {
		if err != nil {
			return err
		}
		for _, s := range result.Scores {
			if s.Pass == nil || *s.Pass {
				continue
			}
			if _, err := fmt.Fprintf(w, "- %s, %s: %s\n", reporter.Terminal(result.Case.ID), s.Name, reporter.Terminal(s.Reason)); err != nil {
				return err
			}
		}
	}
	return nil
}
