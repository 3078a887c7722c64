mod build;
mod mistakes;
mod print;
mod types;
