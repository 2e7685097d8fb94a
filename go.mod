module github.com/areagate/rbac

go 1.25

require (
	github.com/stretchr/testify v1.11.1 // indirect
	golang.org/x/exp v0.0.0-20250911091902-df9299821621 // indirect
)
