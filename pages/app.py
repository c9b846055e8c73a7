"""What `workbench app` gives to Streamlit: the pages, behind the gate."""

from __future__ import annotations

import streamlit as st
from parts.gate import Gate
from parts.overview.warm import begin
from starlette.middleware import Middleware

begin()
# Streamlit finds the application by this name and this call, and gives it what the gate lets in
app = st.App("navigation.py", middleware=[Middleware(Gate)])
