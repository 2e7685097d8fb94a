package main

import (
	"net/http"

	"github.com/areagate/rbac"
)

// listRoles answers with all roles, system roles first. Roles encode
// themselves as JSON.
func (s *server) listRoles(w http.ResponseWriter, r *http.Request) error {
	roles, err := s.az.Roles(r.Context())
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, listJSON{Items: roles})
}

func (s *server) getRole(w http.ResponseWriter, r *http.Request) error {
	roles, err := s.az.Roles(r.Context())
	if err != nil {
		return err
	}
	for _, role := range roles {
		if string(role.ID) == r.PathValue("role") {
			return writeJSON(w, http.StatusOK, role)
		}
	}
	return rbac.ErrRoleNotFound
}

func (s *server) createRole(w http.ResponseWriter, r *http.Request) error {
	var role rbac.Role
	if err := readJSON(w, r, &role); err != nil {
		return err
	}
	created, err := s.az.AsSubject(subject(r)).CreateRole(r.Context(), role)
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/roles/"+string(created.ID))
	return writeJSON(w, http.StatusCreated, created)
}

// updateRole takes what getRole returned, edited. If somebody else saved the
// role meanwhile its version is not the stored one, and that is 409.
func (s *server) updateRole(w http.ResponseWriter, r *http.Request) error {
	var role rbac.Role
	if err := readJSON(w, r, &role); err != nil {
		return err
	}
	if id := rbac.RoleID(r.PathValue("role")); role.ID == "" {
		role.ID = id
	} else if role.ID != id {
		return invalid("id", "is not the one in the path")
	}
	updated, err := s.az.AsSubject(subject(r)).UpdateRole(r.Context(), role)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, updated)
}

func (s *server) deleteRole(w http.ResponseWriter, r *http.Request) error {
	if err := s.az.AsSubject(subject(r)).DeleteRole(r.Context(), rbac.RoleID(r.PathValue("role"))); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// planRole tells what saving a role would do, for a role editor: who would
// gain and lose what, and which rule refuses. Plans encode themselves as JSON.
func (s *server) planRole(w http.ResponseWriter, r *http.Request) error {
	var role rbac.Role
	if err := readJSON(w, r, &role); err != nil {
		return err
	}
	ctx := r.Context()
	plan, err := s.az.AsSubject(subject(r)).Preview(ctx, func(a *rbac.Admin) (err error) {
		if role.ID == "" {
			_, err = a.CreateRole(ctx, role)
		} else {
			_, err = a.UpdateRole(ctx, role)
		}
		return err
	})
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, plan)
}
