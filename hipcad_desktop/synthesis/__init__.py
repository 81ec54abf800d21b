"""Breaking real, whole hips by program: the femur is taken out of its film, cut, moved and put back."""
