//! Promises that every tool keeps. A new tool needs no line here.

mod catalog;

mod permissions;

mod schemas;
