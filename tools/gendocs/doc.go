// Command gendocs makes the pages of docs/ that say what the outside can rely on
// from the tables in code: routes, states, faults, limits, settings, metrics,
// compatibility, and the OpenAPI file from compat/openapi. make gen writes them; make verify runs it with -check, which
// writes nothing and fails when a page is not what it would write.
//
// Routes and settings are asked for at run time; the rest is read from the
// source, so that comments become part of the page.
//
// Begin with main.go. Keeps rule 9 of ARCHITECTURE.md.
package main
