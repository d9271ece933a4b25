import PrismCore
import PrismFormats
import PrismTensor

/// Finds a family's weights in its files, checks every shape and number, and that none is passed over.
struct WeightLoader {
    let weights: any WeightSource
    let layout: ModelFamily.Layout
    let configuration: TransformerConfiguration
    /// Named in errors.
    let file: String

    /// - Throws: `PrismError.badData` that names the tensor: absent, of another shape, with numbers that are none, surplus.
    func load(precision: Precision, backend: any Backend) throws -> TransformerWeights {
        // What is missing is told before what is surplus: it may be the same tensor under a wrong name.
        for name in configuration.weightNames where weights.shape(of: key(name)) == nil {
            _ = try weights.tensor(key(name))
        }
        try checkNothingIsLeftOut()
        return try TransformerWeights(configuration, precision: precision, backend: backend, tensor: tensor)
    }

    private func tensor(_ name: WeightName) throws -> Tensor {
        let place = layout.places[name.part]!
        let key = key(name)
        var shape = configuration.shape(of: name)!
        let part = place.part?(configuration)
        if let part { shape[0] = part.total }
        let isTransposed = place.isTransposed && !name.isBias
        var tensor = try weights.tensor(key, shape: isTransposed ? shape.reversed() : shape)
        guard tensor.isFinite else {
            throw PrismError.badData(
                "\(file): the tensor ‘\(key)’ holds numbers that are not finite; the file is damaged or its training diverged"
            )
        }
        // Vectors are copied: the file's memory cannot be written. Matrices are only read, and laid out anew.
        if isTransposed { tensor = tensor.transposed } else if shape.count == 1 { tensor = tensor.copy() }
        if let part { tensor = Tensor(joining: part.rows.map { tensor.rows($0) }).shaped(like: configuration, name) }
        if name.part.isNorm, !name.isBias, layout.normOffset != 0 {
            for i in 0..<tensor.count { tensor.data[i] += layout.normOffset }
        }
        return layout.interleavedRotary && [.query, .key].contains(name.part)
            ? tensor.interleaved(configuration, undoing: true) : tensor
    }

    /// The tensor's name in the file. A model saved without its head lacks the outermost name.
    private func key(_ name: WeightName) -> String {
        let key = layout.places[name.part]!.key(name)
        let inner = key.drop { $0 != "." }.dropFirst()
        return weights.shape(of: key) == nil && weights.shape(of: String(inner)) != nil ? String(inner) : key
    }

    /// A tensor that the runtime would pass over would make it compute another model.
    private func checkNothingIsLeftOut() throws {
        let known = Set(configuration.weightNames.map(key))
        let tied = configuration.tiedEmbeddings ? [key(WeightName(.unembedding))] : []
        let surplus = weights.names.filter { name in
            !known.contains(name) && !tied.contains(name) && !layout.ignored.contains { name.hasSuffix($0) }
        }
        guard let first = surplus.first else { return }
        let beyond = key(WeightName(.attentionOut, layer: configuration.layerCount))
        if surplus.contains(beyond) {
            throw PrismError.badData(
                "\(file): \(configuration.layerCount) layers are stated, but there is a tensor ‘\(beyond)’")
        }
        throw PrismError.badData(
            "\(file): the tensor ‘\(first)’ is none that the configuration of a \(configuration.family) model asks for; "
                + "correct the configuration or use another file")
    }
}

extension Tensor {
    fileprivate var isFinite: Bool {
        let words = UnsafeBufferPointer(
            start: UnsafeRawPointer(data).assumingMemoryBound(to: UInt32.self), count: count)
        // The exponent of what is not finite is all ones; whole numbers, unlike fp32, are compared many at a time.
        return words.reduce(0 as UInt32) { max($0, $1 & 0x7fff_ffff) } < 0x7f80_0000
    }

    /// Joined rows of a bias are a vector again.
    fileprivate func shaped(like configuration: TransformerConfiguration, _ name: WeightName) -> Tensor {
        name.isBias ? reshaped(count) : self
    }
}
