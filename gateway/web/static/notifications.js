// Notifications: what the gateway refuses is said where it was asked for.

import { sayProblems } from "./problems.js";

sayProblems("[data-form]");
