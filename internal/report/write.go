package report

import (
	"bufio"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"io"
	"strings"
)

//go:embed page
var page embed.FS

// scripts are the parts of the page's script in the order they are joined.
func scripts() []string {
	return []string{"dom.js", "data.js", "chart.js", "plots.js", "overview.js", "metrics.js", "sections.js", "list.js", "feature.js", "main.js"}
}

// shell is what the template of the page is given.
type shell struct {
	Title  string
	Policy string // content security policy
	Style  template.CSS
	Script template.JS
	Head   *head
}

// Write writes p as one HTML file. Text of tokens, names and paths may hold
// anything: it reaches the document only as JSON or in base64.
func Write(w io.Writer, p *Page) error {
	if err := p.check(); err != nil {
		return err
	}
	s, err := p.shell()
	if err != nil {
		return err
	}
	t, err := template.ParseFS(page, "page/page.html")
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(w, 1<<16)
	if err := t.Execute(out, s); err != nil {
		return err
	}
	if err := p.blocks(out); err != nil {
		return err
	}
	if _, err := io.WriteString(out, "</body>\n</html>\n"); err != nil {
		return err
	}
	return out.Flush()
}

// check finds what would make a page that cannot be read.
func (p *Page) check() error {
	if len(p.Runs) == 0 && len(p.Sections) == 0 {
		return errors.New("report: there is no run and no analysis to show")
	}
	for _, r := range p.Runs {
		n := r.Table.Rows()
		for _, c := range r.Table.Columns {
			if len(c.Values) != n {
				return fmt.Errorf("report: run %s: column %s has %d values for %d latents", r.Name, c.Key, len(c.Values), n)
			}
		}
	}
	if len(p.Runs) == 0 {
		return nil
	}
	if n := p.Runs[0].Table.Rows(); p.Features != nil && len(p.Features) != n {
		return fmt.Errorf("report: %d features for a table of %d latents", len(p.Features), n)
	}
	return nil
}

func (p *Page) shell() (*shell, error) {
	style, err := page.ReadFile("page/style.css")
	if err != nil {
		return nil, err
	}
	var script strings.Builder
	script.WriteString("(() => {\n'use strict';\n")
	for _, name := range scripts() {
		part, err := page.ReadFile("page/" + name)
		if err != nil {
			return nil, err
		}
		script.Write(part)
	}
	script.WriteString("})();\n")
	return &shell{
		Title: p.Title, Policy: policy(script.String(), string(style)),
		Style: template.CSS(style), Script: template.JS(script.String()), Head: newHead(p),
	}, nil
}

// policy forbids every request and every script and style but ours.
func policy(script, style string) string {
	hash := func(text string) string {
		sum := sha256.Sum256([]byte(text))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return fmt.Sprintf("default-src 'none'; script-src %s; style-src %s; img-src data:; base-uri 'none'; form-action 'none'", hash(script), hash(style))
}

// blocks writes the tables of all runs and the features.
func (p *Page) blocks(w io.Writer) error {
	for i, r := range p.Runs {
		var features []Feature
		if i == 0 {
			features = p.Features
		}
		if err := writeBlock(w, fmt.Sprintf("table-%d", i), newTableBlock(r.Table, features)); err != nil {
			return err
		}
	}
	for at := 0; at < len(p.Features); at += featuresPerBlock {
		part := p.Features[at:min(len(p.Features), at+featuresPerBlock)]
		if err := writeBlock(w, fmt.Sprintf("features-%d", at/featuresPerBlock), newFeaturesBlock(part)); err != nil {
			return err
		}
	}
	return nil
}
