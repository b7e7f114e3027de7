namespace Gantry.Images.Unpacking;

/// <summary>Where the bytes of a sparse file go: GNU's old map in binary blocks, and PAX sparse 1.0's map of decimal lines.</summary>
internal static class SparseMap
{
    private const int PieceSize = 24;
    private const int PiecesPerBlock = 21;
    private const int MaxPieces = TarReader.MaxHeaderContent / PieceSize;

    /// <summary>Takes the pieces of an extension block; true where another one follows.</summary>
    internal static bool Append(List<SparsePiece> map, ReadOnlySpan<byte> block) =>
        Append(map, block[..(PiecesPerBlock * PieceSize)], block[PiecesPerBlock * PieceSize] != 0);

    /// <summary>Takes the pieces of a header's own map; answers <paramref name="more"/>.</summary>
    internal static bool Append(List<SparsePiece> map, ReadOnlySpan<byte> pieces, bool more)
    {
        for (; !pieces.IsEmpty && pieces[0] != 0; pieces = pieces[PieceSize..])
        {
            map.Add(new SparsePiece(
                TarNumber.ParseField(pieces[..12], "sparse offset"), TarNumber.ParseField(pieces.Slice(12, 12), "sparse length")));
        }
        return map.Count <= MaxPieces ? more : throw TooLong();
    }

    /// <summary>Reads the map at the start of a PAX 1.0 sparse file's content, which is a whole number of blocks long.</summary>
    internal static List<SparsePiece> Read(Func<int, byte[]> readExactly, long contentSize)
    {
        var numbers = new List<long>();
        var digits = new List<byte>();
        var wanted = 1L;
        for (var taken = 0; numbers.Count < wanted; taken += TarHeader.BlockSize)
        {
            if (taken + TarHeader.BlockSize > contentSize)
                throw new InvalidDataException("its sparse map is longer than its content");
            if (taken >= TarReader.MaxHeaderContent)
                throw TooLong();
            foreach (var c in readExactly(TarHeader.BlockSize))
            {
                if (numbers.Count >= wanted)
                    break;
                if (c != (byte)'\n')
                {
                    digits.Add(c);
                    continue;
                }
                numbers.Add(TarNumber.ParseDecimal(digits.ToArray(), "sparse map"));
                digits.Clear();
                if (numbers.Count == 1)
                    wanted = numbers[0] <= MaxPieces ? 1 + 2 * numbers[0] : throw TooLong();
            }
        }
        var map = new List<SparsePiece>();
        for (var i = 1; i < numbers.Count; i += 2)
            map.Add(new SparsePiece(numbers[i], numbers[i + 1]));
        return map;
    }

    /// <summary>The pieces must lie in order within the file, and make up the content exactly.</summary>
    internal static void Check(List<SparsePiece> map, TarEntry entry)
    {
        var end = 0L;
        var total = 0L;
        foreach (var piece in map)
        {
            if (piece.Offset < end || piece.Length < 0 || piece.Length > entry.FileLength - piece.Offset)
                throw new InvalidDataException("its sparse map overlaps, or leads beyond the file's end");
            end = piece.Offset + piece.Length;
            total += piece.Length;
        }
        if (total != entry.Size)
            throw new InvalidDataException($"its sparse map speaks of {total} bytes, its content has {entry.Size}");
    }

    private static InvalidDataException TooLong() => new($"its sparse map has more than {MaxPieces} pieces");
}
