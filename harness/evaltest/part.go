package evaltest

import "fmt"

// begins counts a trial that go test has chosen.
func (d *driver) begins() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.begun++
}

// unasked counts one that was not run for all that.
func (d *driver) unasked() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.left++
}

// partial tells whether go test did not choose all cases.
func (d *driver) partial() bool { return d.chosen.n()+d.stales < len(d.cases) }

// part says which part of the eval go test chose, and ran; "" when that is all of it.
func (d *driver) part() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.left > 0: // what was chosen was not run
		return ""
	case d.partial():
		return fmt.Sprintf("%d of %d cases were run", d.chosen.n(), len(d.cases))
	case d.begun < d.chosen.n()*d.trials:
		return fmt.Sprintf("%d of %d trials were run", d.begun, d.chosen.n()*d.trials)
	}
	return ""
}

// short tells whether the run ended before everything that go test chose was run.
func (d *driver) short() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.left > 0
}

// selected are the IDs of the cases that were chosen, nil when all were.
func (d *driver) selected() []string {
	if !d.partial() {
		return nil
	}
	var ids []string
	for _, c := range d.chosen.cases {
		ids = append(ids, c.ID)
	}
	return ids
}
