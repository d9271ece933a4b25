import PrismTensor

extension SparseCodes {
    /// zᵢ − z'ᵢ of the latents of one row that differ from another run's, ascending by number.
    func differences(from other: SparseCodes, row: Int) -> [(latent: Int, value: Float)] {
        let (a, b) = (self[row], other[row])
        var found: [(latent: Int, value: Float)] = []
        var (i, j) = (0, 0)
        while i < a.count || j < b.count {
            let latent = min(i < a.count ? a[i].latent : .max, j < b.count ? b[j].latent : .max)
            var difference: Float = 0
            if i < a.count, a[i].latent == latent { (difference, i) = (a[i].value, i + 1) }
            if j < b.count, b[j].latent == latent { (difference, j) = (difference - b[j].value, j + 1) }
            if difference != 0 { found.append((latent, difference)) }
        }
        return found
    }
}
