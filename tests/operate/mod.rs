//! Installed and run: settings, service managers, the doctor.

mod doctor;
mod packages;
mod service_manager;
mod settings;
