"""What starts workflows by itself: addresses that are called (`webhooks`) and times of the calendar (`schedules`)."""
