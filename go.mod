module github.com/areagate/rbac

go 1.25

require (
	github.com/stretchr/testify v1.11.1
	golang.org/x/exp v0.0.0-20250911091902-df9299821621
)

require (
	github.com/davecgh/go-spew v1.1.1 // indirect
	github.com/pmezard/go-difflib v1.0.0 // indirect
	golang.org/x/tools v0.37.0 // indirect
	gopkg.in/yaml.v3 v3.0.1 // indirect
)
